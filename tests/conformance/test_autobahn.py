"""Every case of the Autobahn suite in groups 1 to 7, 9 and 10, and a few of 12 and 13.

They run on the core that is selected, and use only public names of the client.
"""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from conformance.cases import ALL_CASES, INFORMATIONAL_CASES, LARGE_CASES, SMALL_CASES
from conformance.compression import (
    ALL_CASES as ALL_OF_COMPRESSION,
    FAST_CASES as FAST_OF_COMPRESSION,
    OFFER,
)
from conformance.driver import Verdict, run_cases


def check(verdicts: Sequence[Verdict], cases: Sequence[str]) -> None:
    """Check that exactly these cases ran, each with its best possible verdict."""
    assert [verdict.case_id for verdict in verdicts] == list(cases)
    best = {case: "INFORMATIONAL" if case in INFORMATIONAL_CASES else "OK" for case in cases}
    worse = [
        verdict
        for verdict in verdicts
        if (verdict.behavior, verdict.behavior_close) != (best[verdict.case_id],) * 2
    ]
    assert not worse, "\n".join(map(str, worse))


def test_the_list_has_every_case_of_the_groups() -> None:
    assert len(ALL_CASES) == len(set(ALL_CASES)) == 301
    assert {case.split(".")[0] for case in ALL_CASES} == set("12345679") | {"10"}
    assert sorted(LARGE_CASES + SMALL_CASES) == sorted(ALL_CASES)


@pytest.mark.deadline(120)
async def test_small_messages() -> None:
    check(await run_cases(SMALL_CASES), SMALL_CASES)


@pytest.mark.deadline(300)
async def test_large_messages() -> None:
    check(await run_cases(LARGE_CASES), LARGE_CASES)


def test_the_list_has_every_case_of_compression() -> None:
    assert len(ALL_OF_COMPRESSION) == len(set(ALL_OF_COMPRESSION)) == 216
    assert {case.split(".")[0] for case in ALL_OF_COMPRESSION} == {"12", "13"}
    assert set(FAST_OF_COMPRESSION) < set(ALL_OF_COMPRESSION)


@pytest.mark.deadline(120)
async def test_compressed_messages() -> None:
    check(await run_cases(FAST_OF_COMPRESSION, OFFER), FAST_OF_COMPRESSION)
