"""Runs all 517 cases of the Autobahn suite on the selected core: 11 GB, some minutes.

Prints each verdict that is not the best one, the counts, and the seconds a group took.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections import Counter

from conformance import cases, compression
from conformance.driver import run_cases

import wirespeed

TOTAL = len(cases.ALL_CASES) + len(compression.ALL_CASES)


async def main() -> int:
    """Run every case, group by group; return the exit status."""
    counts: Counter[str] = Counter()
    worse = 0
    everything = cases.ALL_CASES + compression.ALL_CASES
    for group in dict.fromkeys(case.split(".")[0] for case in everything):
        started = time.monotonic()
        chosen = [case for case in everything if case.split(".")[0] == group]
        offer = compression.OFFER if chosen[0] in compression.ALL_CASES else None
        verdicts = await run_cases(chosen, offer)
        assert [verdict.case_id for verdict in verdicts] == chosen
        for verdict in verdicts:
            best = "INFORMATIONAL" if verdict.case_id in cases.INFORMATIONAL_CASES else "OK"
            if (verdict.behavior, verdict.behavior_close) != (best, best):
                worse += 1
                print(*verdict)
        counts.update(verdict.behavior for verdict in verdicts)
        print(f"group {group}: {len(chosen)} cases, {time.monotonic() - started:.0f} s", flush=True)
    print(f"{wirespeed.implementation}, {wirespeed.deflate_backend}:", end=" ")
    print(*(f"{count} {behavior}" for behavior, count in counts.items()), sep=", ")
    return 0 if counts.total() == TOTAL and not worse else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
