"""Servers that are programs themselves, from the environment of the program that they serve.

Such a program writes its port as its first line. When its input ends, it stops, and what it has
written since counts as what it saw of each connection. Nothing is ever replaced in it.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from pathlib import Path

from programs.environments import ROOT
from programs.faults import SETTLE_SECONDS, Server


@contextlib.asynccontextmanager
async def serving_apart(python: Path, module: str) -> AsyncIterator[Server]:
    """Run a server until the block ends.

    Args:
        python: the Python of the environment.
        module: the server's module.

    Raises:
        RuntimeError: the server did not start.
        TimeoutError: it did not stop.
    """
    process = await asyncio.create_subprocess_exec(
        *(str(python), "-P", "-m", module),
        env={**os.environ, "PYTHONPATH": str(ROOT / "tests")},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(SETTLE_SECONDS):
            line = await process.stdout.readline()
        if not line.strip().isdigit():
            raise RuntimeError(f"{module} did not start")
        server = Server(port=int(line))
        yield server
        async with asyncio.timeout(SETTLE_SECONDS):
            seen, _ = await process.communicate(b"")  # input that ends at once
        server.requests += seen.decode().splitlines()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
