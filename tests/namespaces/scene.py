"""What a scene is given: a server behind a link that it can cut, and options for `connect`."""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass, field
from subprocess import Popen
from typing import Any, Final

from namespaces.link import PORT, SERVER_IPV4, Link

import wirespeed
from wirespeed import WebSocketConnection

# The settings of keep-alive in the scenes. A peer that is gone is noticed after both.
PING_INTERVAL: Final = 1.0
PING_TIMEOUT: Final = 2.0

CLOSE_TIMEOUT: Final = 2.0

# How much later than promised something may be noticed. Generous: a hang is much longer.
SLACK_SECONDS: Final = 5.0
NOTICE_SECONDS: Final = PING_INTERVAL + PING_TIMEOUT + SLACK_SECONDS


@dataclass
class Scene:
    """One scene: the server, the link, and what the scene wants to tell.

    Attributes:
        link: the link between the client and the server.
        context: the TLS context of the client; `None` for a plain connection.
        noticed: seconds until the client noticed what happened; `None` where there is no such
            thing.
        told: what else the table says about the scene.
    """

    link: Link
    context: ssl.SSLContext | None
    process: Popen[str]
    noticed: float | None = None
    told: str = ""
    _asking: asyncio.Lock = field(default_factory=asyncio.Lock)

    def url(self, path: str, host: str = SERVER_IPV4) -> str:
        """Return the URL of the server with this path."""
        return f"{'ws' if self.context is None else 'wss'}://{host}:{PORT}{path}"

    def connect(self, path: str, host: str = SERVER_IPV4, **options: Any) -> Any:
        """Return what `wirespeed.connect` returns, with short times of keep-alive."""
        defaults = {"ping_interval": PING_INTERVAL, "ping_timeout": PING_TIMEOUT}
        return wirespeed.connect(self.url(path, host), ssl=self.context, **{**defaults, **options})

    async def ask(self, command: str) -> list[dict[str, Any]]:
        """Give the server a command, and return what it has seen of each connection."""
        async with self._asking:
            return await asyncio.to_thread(self._ask, command)

    def _ask(self, command: str) -> list[dict[str, Any]]:
        stdin, stdout = self.process.stdin, self.process.stdout
        if stdin is None or stdout is None:
            raise RuntimeError("the server has no pipes")
        stdin.write(f"{command}\n")
        stdin.flush()
        return json.loads(stdout.readline())  # type: ignore[no-any-return]

    @contextlib.asynccontextmanager
    async def noticing(self, within: float = NOTICE_SECONDS) -> AsyncIterator[None]:
        """Measure the block. Fail if it does not end in time: nothing was noticed."""
        began = time.monotonic()
        try:
            async with asyncio.timeout(within):
                yield
        except TimeoutError as exc:
            raise AssertionError(f"not noticed within {within:g} seconds") from exc
        self.noticed = time.monotonic() - began


async def summary(ws: WebSocketConnection) -> dict[str, Any]:
    """Ask the server over the connection for what it has received."""
    await ws.send_text("end")
    return await ws.receive_json()  # type: ignore[no-any-return]


Play = Callable[[Scene], Coroutine[Any, Any, None]]

SCENES: Final[dict[str, Play]] = {}
PLAIN_ONLY: Final[set[str]] = set()


def scene(play: Play) -> Play:
    """Add a function to the scenes, with its name."""
    SCENES[play.__name__] = play
    return play
