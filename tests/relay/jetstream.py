"""A real `nats-server` with JetStream, on a port chosen by the system, with a store of its own."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
from pathlib import Path
from typing import Final

import nats

FOUND: Final = shutil.which("nats-server") is not None
MISSING: Final = "the program nats-server is not installed (Debian: nats-server)"

START_SECONDS: Final = 30.0


class JetStream:
    """A server that can be stopped and started again, with the same port and the same store."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._port = -1
        self._process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        """The address for clients."""
        return f"nats://127.0.0.1:{self._port}"

    async def start(self) -> None:
        """Start it, and wait until it accepts connections."""
        ports = self._directory / "ports"
        ports.mkdir(exist_ok=True)
        for old in ports.iterdir():
            old.unlink()
        self._process = await asyncio.create_subprocess_exec(
            *("nats-server", "-js", "-sd", str(self._directory / "store"), "-a", "127.0.0.1"),
            *("-p", str(self._port), "--ports_file_dir", str(ports)),
            *("-l", str(self._directory / "log")),
        )
        if self._port == -1:
            self._port = await self._find_port(ports)
        await self._wait_until_ready()

    async def messages(self, stream: str = "FEEDS") -> list[bytes]:
        """Return the messages of a stream."""
        client = await nats.connect(self.url)
        try:
            context = client.jetstream()
            count = (await context.stream_info(stream)).state.messages
            found = [await context.get_msg(stream, place) for place in range(1, count + 1)]
            return [message.data or b"" for message in found]
        finally:
            await client.close()

    def pause(self) -> None:
        """Let it read and answer nothing."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)
        # On a busy machine its threads may go on for a while after the signal.
        os.waitid(os.P_PID, self._process.pid, os.WSTOPPED)

    def resume(self) -> None:
        """Let it go on after `pause`."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    async def stop(self) -> None:
        """Kill it."""
        assert self._process is not None
        self._process.kill()
        await self._process.wait()
        self._process = None

    async def _find_port(self, ports: Path) -> int:
        """Wait until the server has written its port."""
        async with asyncio.timeout(START_SECONDS):
            while True:
                for path in ports.iterdir():
                    with contextlib.suppress(json.JSONDecodeError):
                        [url] = json.loads(path.read_text(encoding="utf-8"))["nats"]
                        return int(url.rpartition(":")[2])
                await asyncio.sleep(0.02)

    async def _wait_until_ready(self) -> None:
        async with asyncio.timeout(START_SECONDS):
            while True:
                with contextlib.suppress(ConnectionError):
                    _, writer = await asyncio.open_connection("127.0.0.1", self._port)
                    writer.close()
                    return
                await asyncio.sleep(0.02)
