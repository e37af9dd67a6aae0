"""The ids of the Autobahn cases for permessage-deflate, groups 12 and 13.

The list is fixed. If the fuzzing server supplied it, a run with too few cases would pass.
"""

from __future__ import annotations

from typing import Final

import wirespeed

_SUBGROUPS: Final = {"12": 5, "13": 7}
_CASES_OF_A_SUBGROUP: Final = 18

ALL_CASES: Final = tuple(
    f"{group}.{subgroup}.{number}"
    for group, last in _SUBGROUPS.items()
    for subgroup in range(1, last + 1)
    for number in range(1, _CASES_OF_A_SUBGROUP + 1)
)
# Each case sends 1,000 messages: of 256 bytes, and in one case of 8 KiB in fragments.
FAST_CASES: Final = (*(case for case in ALL_CASES if case.endswith(".3")), "13.7.11")

# This offer lets the server choose any of the settings that the subgroups of 13 test.
OFFER: Final = wirespeed.Deflate(client_no_context_takeover=True, threshold=0)
