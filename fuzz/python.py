"""Fuzzes one target in Python: coverage of the compiled core and of the instrumented bytecode.

The first argument is the name of the target; libFuzzer takes the others.
"""

from __future__ import annotations

import importlib
import sys

import atheris


def main() -> None:
    """Import the target with everything under test instrumented, and fuzz it."""
    name, *arguments = sys.argv[1:]
    with atheris.instrument_imports(include=["wirespeed", "h11"]):
        target = importlib.import_module(f"fuzz.targets.{name}")
    # To merge corpora, libFuzzer gives this command to a shell again.
    command = f"{sys.executable} -P -m fuzz.python {name}"
    atheris.Setup([command, *arguments], target.one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
