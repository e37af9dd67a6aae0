"""Plays the scenes, each with a client and a server in network namespaces of their own.

Needs root on Linux, and the programs of `namespaces.link`. Without them nothing is played, which
is no failure unless `--required` is given.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import textwrap
import time
from asyncio.subprocess import PIPE
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from namespaces.link import objection
from namespaces.play import SCENE_SECONDS
from namespaces.scene import PLAIN_ONLY, SCENES

import wirespeed

# What each scene is played on: arguments of `namespaces.play`.
TRANSPORTS: Final[dict[str, tuple[str, ...]]] = {
    "asyncio": ("asyncio",),
    "uvloop": ("uvloop",),
    "TLS": ("asyncio", "--tls"),
}

# For the process around the scene: its start and end.
PROCESS_SECONDS: Final = SCENE_SECONDS + 60.0

# Scenes mostly wait, but their processes have to be started.
JOBS: Final = 2 * (os.cpu_count() or 1) + 2


@dataclass(frozen=True)
class Result:
    """How one scene went on one transport.

    Attributes:
        scene: the name of the scene.
        transport: the name of the transport.
        noticed: seconds until the client noticed; `None` if the scene failed.
        told: what the scene told; what its process printed if the scene failed.
    """

    scene: str
    transport: str
    noticed: float | None
    told: str


async def play(name: str, transport: str) -> Result:
    """Play one scene in a process of its own. The process ends when this does, in any way."""
    process = await asyncio.create_subprocess_exec(
        *("unshare", "--net", sys.executable, "-P", "-m", "namespaces.play"),
        *(name, *TRANSPORTS[transport]),
        stdin=PIPE,
        stdout=PIPE,
        stderr=PIPE,
    )
    try:
        async with asyncio.timeout(PROCESS_SECONDS):
            output, errors = await asyncio.gather(_read(process.stdout), _read(process.stderr))
            status = await process.wait()
    except TimeoutError:
        return Result(name, transport, None, f"no end within {PROCESS_SECONDS:g} seconds")
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if status:
        return Result(name, transport, None, errors or f"exit status {status}")
    return Result(name, transport, **json.loads(output))


async def _read(stream: asyncio.StreamReader | None) -> str:
    # Not `communicate`: it closes the input, which would end the process.
    return "" if stream is None else (await stream.read()).decode()


async def play_all(names: Iterable[str], transports: Iterable[str], jobs: int) -> list[Result]:
    """Play the scenes, `jobs` at a time. The crowded one is played alone."""
    results: list[Result] = []
    limit = asyncio.Semaphore(jobs)

    async def play_one(name: str, transport: str) -> None:
        async with limit:
            result = await play(name, transport)
        state = "FAILED" if result.noticed is None else f"{result.noticed:.1f} s"
        print(f"{name}, {transport}: {state}", flush=True)
        results.append(result)

    async with asyncio.TaskGroup() as group:
        for name in names:
            for transport in transports:
                if name not in PLAIN_ONLY:
                    group.create_task(play_one(name, transport))
    for name in names:
        if name in PLAIN_ONLY:
            await play_one(name, "asyncio")
    return results


def print_table(results: list[Result], transports: Iterable[str]) -> None:
    """Print seconds by scene and transport, and what the scenes told."""
    columns = list(transports)
    print(f"\n{'seconds until it was noticed, or done':40}", *(f"{name:>8}" for name in columns))
    for scene in dict.fromkeys(result.scene for result in results):
        own = {result.transport: result for result in results if result.scene == scene}
        cells = [_cell(own.get(transport)) for transport in columns]
        print(f"{scene.replace('_', ' '):40}", *(f"{cell:>8}" for cell in cells))
        for told in dict.fromkeys(one.told for one in own.values() if one.noticed is not None):
            print(textwrap.indent(told, "    "))


def _cell(result: Result | None) -> str:
    if result is None:
        return ""
    return "FAILED" if result.noticed is None else f"{result.noticed:.1f}"


def main() -> int:
    """Play the scenes of the command line; return the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("scenes", nargs="*", help=f"all by default: {', '.join(SCENES)}")
    parser.add_argument("--transport", choices=TRANSPORTS, action="append")
    parser.add_argument("--jobs", type=int, default=JOBS, help="scenes at a time")
    parser.add_argument("--required", action="store_true", help="fail if this machine cannot")
    given = parser.parse_args()
    unknown = set(given.scenes) - set(SCENES)
    if unknown:
        parser.error(f"no such scene: {', '.join(sorted(unknown))}")
    if reason := objection():
        print(f"network: NOT RUN: {reason}")
        return 1 if given.required else 0
    began = time.monotonic()
    transports = given.transport or list(TRANSPORTS)
    results = asyncio.run(play_all(given.scenes or list(SCENES), transports, given.jobs))
    print_table(results, transports)
    failed = [result for result in results if result.noticed is None]
    for result in failed:
        print(f"\n--- {result.scene}, {result.transport}\n{result.told}")
    verdict = f"FAILED, {len(failed)} of {len(results)} scenes" if failed else "passed"
    seconds = time.monotonic() - began
    print(f"\nnetwork: {wirespeed.implementation}, {seconds:.0f} s: {verdict}")
    return 1 if failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
