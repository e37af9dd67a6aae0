"""The two commands of the recipe for many feeds into one stream."""

from __future__ import annotations

import asyncio
import shlex
import signal
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

import pytest
from relay.jetstream import FOUND, MISSING

ROOT = Path(__file__).parents[2]

pytestmark = [pytest.mark.skipif(not FOUND, reason=MISSING), pytest.mark.loops("asyncio")]


async def test_both_commands() -> None:
    starting = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "examples.fan_in.start", "2000", "2"), stdout=PIPE, cwd=ROOT
    )
    try:
        assert starting.stdout is not None
        python, *arguments = shlex.split((await starting.stdout.readline()).decode())
        assert python == "python"
        reading = await asyncio.create_subprocess_exec(
            sys.executable, *arguments, stdout=PIPE, cwd=ROOT
        )
        printed, _ = await reading.communicate()
        assert reading.returncode == 0
        assert printed.decode().splitlines() == [
            f"feed {name}: 2000 numbers, 0 missing, 0 doubled" for name in "abcd"
        ]
        assert await starting.stdout.readline() == b"all is sent; 2 workers were started again\n"
        starting.send_signal(signal.SIGINT)
        assert await starting.wait() == 130
    finally:
        if starting.returncode is None:
            starting.kill()
        await starting.communicate()
