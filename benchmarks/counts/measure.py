"""Counts the works of one client: starts a worker under valgrind and the server for it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from . import cachegrind
from .cachegrind import Counts
from .server import TIMEOUT_SECONDS, serve
from .works import Work

ROOT: Final = Path(__file__).parents[2]
# Large copies without `rep movsb`, of which valgrind counts each byte as an instruction.
PLAIN_COPIES: Final = "glibc.cpu.x86_rep_movsb_threshold=0x10000000"
# Each work is counted in as many heaps, and the least counts: where a block comes to lie next to
# the end of a pool, or two on the same line of the cache, is chance.
HEAPS: Final = (0, 5, 11)
Plan = Sequence[tuple[Work, int, int]]


def environment() -> dict[str, str]:
    """Give the whole environment of a worker: its size moves the stack, and so the D1 misses."""
    return {
        "PYTHONPATH": str(ROOT),
        "PYTHONHASHSEED": "0",
        "GLIBC_TUNABLES": PLAIN_COPIES,
        "WIRESPEED_PURE_PYTHON": os.environ.get("WIRESPEED_PURE_PYTHON", "0"),
    }


def worker_command(client: str, path: str, plan: Plan) -> list[str]:
    """Give the command of a worker."""
    runs = [text for work, count, heap in plan for text in (work.name, str(count), str(heap))]
    return [sys.executable, "-P", "-m", "benchmarks.counts.worker", client, path, *runs]


def serve_plan(plan: Plan, client: str, before: Sequence[str], directory: Path) -> list[int]:
    """Let a worker do what is planned.

    Args:
        plan: works, counts and heaps.
        client: a module of `clients`.
        before: what stands before the worker's command.
        directory: an empty one.

    Returns:
        The number of the process of each run.

    Raises:
        RuntimeError: the worker has failed.
    """
    path = str(directory / "socket")
    with socket.socket(socket.AF_UNIX) as listener, (directory / "log").open("w+b") as log:
        listener.bind(path)
        listener.listen()
        listener.settimeout(TIMEOUT_SECONDS)
        worker = subprocess.Popen(
            [*before, *worker_command(client, path, plan)],
            cwd=directory,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
        try:
            pids = [serve(listener, work, count) for work, count, _ in plan]
            status = worker.wait(TIMEOUT_SECONDS)
        except (OSError, AssertionError, subprocess.TimeoutExpired) as fault:
            raise RuntimeError(f"{client} has failed: {fault!r}\n{tail_of(log.name)}") from fault
        finally:
            # Its forks end by themselves: nobody is at the other end of their sockets.
            worker.kill()
            worker.wait()
        if status:
            raise RuntimeError(f"{client} has failed\n{tail_of(log.name)}")
        return pids


def tail_of(log: str) -> str:
    """Give the end of a log."""
    return Path(log).read_text("utf-8", "replace")[-4000:]


def try_client(client: str, works: Iterable[Work]) -> None:
    """Let a client do a little of each work, without valgrind.

    What it imports is compiled to files then, so that each counted run only reads them.
    """
    plan = [(work, work.block, 0) for work in works]
    with tempfile.TemporaryDirectory(prefix="counts-") as directory:
        serve_plan(plan, client, (), Path(directory))


def count_client(client: str, works: Sequence[Work]) -> dict[Work, Counts]:
    """Count what each work costs a message.

    Raises:
        RuntimeError: the client has failed.
    """
    try_client(client, works)
    plan = [
        (work, count, heap) for work in works for heap in HEAPS for count in (work.short, work.long)
    ]
    with tempfile.TemporaryDirectory(prefix="counts-") as name:
        directory = Path(name)
        pids = serve_plan(plan, client, cachegrind.command(directory), directory)
        totals = [cachegrind.parse((directory / str(pid)).read_text("utf-8")) for pid in pids]
    pairs = zip(totals[::2], totals[1::2], strict=True)
    return {
        work: cachegrind.least(
            cachegrind.per_message(*next(pairs), work.long - work.short) for _ in HEAPS
        )
        for work in works
    }
