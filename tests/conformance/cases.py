"""The ids of the Autobahn cases that the client must pass.

The list is fixed. If the fuzzing server supplied it, a run with too few cases would pass.
"""

from __future__ import annotations

from typing import Final

# The ids of a subgroup are numbered from 1 to this number.
_LAST_OF_SUBGROUP: Final = {
    "1.1": 8,
    "1.2": 8,
    "2": 11,
    "3": 7,
    "4.1": 5,
    "4.2": 5,
    "5": 20,
    "6.1": 3,
    "6.2": 4,
    "6.3": 2,
    "6.4": 4,
    "6.5": 5,
    "6.6": 11,
    "6.7": 4,
    "6.8": 2,
    "6.9": 4,
    "6.10": 3,
    "6.11": 5,
    "6.12": 8,
    "6.13": 5,
    "6.14": 10,
    "6.15": 1,
    "6.16": 3,
    "6.17": 5,
    "6.18": 5,
    "6.19": 5,
    "6.20": 7,
    "6.21": 8,
    "6.22": 34,
    "6.23": 7,
    "7.1": 6,
    "7.3": 6,
    "7.5": 1,
    "7.7": 13,
    "7.9": 9,
    "7.13": 2,
    "9.1": 6,
    "9.2": 6,
    "9.3": 9,
    "9.4": 9,
    "9.5": 6,
    "9.6": 6,
    "9.7": 6,
    "9.8": 6,
    "10.1": 1,
}

ALL_CASES: Final = tuple(
    f"{subgroup}.{number}"
    for subgroup, last in _LAST_OF_SUBGROUP.items()
    for number in range(1, last + 1)
)

# The limits and performance cases move 150 MB. The other cases move only a few bytes each.
LARGE_CASES: Final = tuple(case for case in ALL_CASES if case.startswith("9."))
SMALL_CASES: Final = tuple(case for case in ALL_CASES if not case.startswith("9."))

# The specification leaves the right behaviour open here, and the suite only records it.
INFORMATIONAL_CASES: Final = frozenset({"7.1.6", "7.13.1", "7.13.2"})
