"""`make counts`: what each work costs a message, counted and compared with the file of figures.

Knows the command line, and who does what.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from typing import Final

from . import cachegrind, figures, report
from .build import build, differences
from .cachegrind import EVENTS
from .figures import Figures
from .measure import count_client
from .works import WORKS, Work

PEERS: Final = {
    "picows": "picows_client",
    "websockets": "websockets_client",
    "aiohttp": "aiohttp_client",
}
PEERS_WAYS: Final = frozenset({"receive", "feed", "echo", "send"})


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="make counts",
        description="Count instructions and cache misses a message, and compare with the figures.",
    )
    parser.add_argument("--works", metavar="PATTERN", default="", help="a regular expression")
    parser.add_argument("--write", action="store_true", help="write the file of figures anew")
    parser.add_argument("--peers", action="store_true", help="count other clients, too")
    options = parser.parse_args()
    if options.write and options.works:
        parser.error("--write takes all works")
    return options


def count(client: str, works: Sequence[Work]) -> Figures:
    """Count works of a client."""
    return {work.name: counts.by_event() for work, counts in count_client(client, works).items()}


def is_for_peers(work: Work) -> bool:
    """Tell whether other clients have the work; they are counted without keep-alive.

    Over blocks of messages a timer costs next to nothing, one by one it is a sixth.
    """
    return work.way in PEERS_WAYS and (work.block > 1 or not work.keep_alive)


def print_peers(ours: Figures, works: Sequence[Work]) -> None:
    """Count the other clients, and print them beside ours."""
    common = [work for work in works if is_for_peers(work)]
    if not common:
        return
    others = {name: count(client, common) for name, client in PEERS.items()}
    shown = {work.name: ours[work.name] for work in common}
    for event in EVENTS:
        print(f"\n{report.peers(shown, others, event)}")


def judge(now: Figures, ours: dict[str, str]) -> int:
    """Compare with the file; return the status to exit with."""
    path = figures.path_of_figures()
    theirs, before = figures.read(path)
    changes = figures.compare(before, now)
    print(report.comparison(changes))
    if not before:
        print(f"\nNOT COMPARED: there is no {path.name}; `make counts ARGS=--write` makes it")
        return 0
    if unlike := differences(ours, theirs):
        print(f"\nNOT JUDGED: the figures of {path.name} were made with another build")
        print(*unlike, sep="\n")
        return 0
    grown = sorted({change.work for change in changes if change.is_growth})
    if grown:
        print(f"\nFAILED: more than the figures of {path.name} allow: {'; '.join(grown)}")
        return 1
    print(f"\nno more than the figures of {path.name} allow")
    return 0


def main() -> int:
    """Count, then write or compare."""
    options = arguments()
    works = [work for work in WORKS if re.search(options.works, work.name)]
    if not works:
        print(f"no work is like {options.works}; there are: {'; '.join(w.name for w in WORKS)}")
        return 2
    valgrind = cachegrind.version()
    if valgrind is None:
        print("SKIPPED: valgrind is not installed (on Debian: apt-get install valgrind)")
        return 0
    ours = build(valgrind)
    now = count("wirespeed_client", works)
    status = 0
    if options.write:
        path = figures.path_of_figures()
        print(report.comparison(figures.compare(figures.read(path)[1], now)))
        figures.write(path, ours, now)
        print(f"\nwritten to {path}")
    else:
        status = judge(now, ours)
    if options.peers:
        print_peers(now, works)
    return status


if __name__ == "__main__":
    sys.exit(main())
