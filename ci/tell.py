"""Prints which core was installed, and the next step if it is not the compiled one."""

from __future__ import annotations

import wirespeed

print(f"wirespeed {wirespeed.__version__}, {wirespeed.implementation}")
if wirespeed.implementation == "pure":
    print(
        "The compiled core was not built, is there a C compiler? Everything works in pure Python,"
        " only slower.\nTo see why, and to try again: WIRESPEED_BUILD_EXTENSION=1 make rebuild"
    )
