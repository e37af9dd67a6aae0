"""Lets single system calls of the client fail, and tells what came of each.

Started with `calls.c` as a preloaded library. Reads the rows of the table, prints one outcome a
line. Run as `play.py LIBRARY LOOP < rows`.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import errno
import os
import socket
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, Final

sys.path.insert(0, str(Path(__file__).parent.parent.parent))

from ends import turns
from looprunner import LOOP_FACTORIES, open_sockets
from network.failing.peer import BREAK, HELLO, LEAVE, READ, REST, Peer

import wirespeed
from wirespeed import WebSocketConnection, WebSocketError

# A response that never comes ends an opening after this time; all else is much faster.
OPEN_SECONDS: Final = 3.0
HANG_SECONDS: Final = 15.0
MESSAGE_BYTES: Final = 4 << 20

UNNOTICED: Final = "Nothing is noticed."
NOT_CALLED: Final = "–"


class Faults:
    """The library that makes a call fail."""

    def __init__(self, path: str) -> None:
        self._library = ctypes.CDLL(path)

    def arm(self, call: str, number: int) -> None:
        """Let the next `call` of this thread on an internet socket fail with `number`."""
        self._library.fail_once(call.encode(), number)

    def met(self) -> bool:
        """Return whether it was made."""
        return bool(self._library.has_failed())


Arm = Callable[[], None]


async def opening(arm: Arm, **options: Any) -> str:
    """The call fails while `connect` runs."""
    with Peer() as peer:
        host, port = peer.address
        arm()
        try:
            ws = await wirespeed.connect(
                f"ws://{host}:{port}/", open_timeout=OPEN_SECONDS, **options
            )
        except (WebSocketError, OSError) as exc:
            return f"`connect` raises `{type(exc).__name__}`."
        return await rest_of(ws, peer, [HELLO])


async def given(arm: Arm) -> str:
    """The call fails while `connect` takes a socket over."""
    with Peer() as peer:
        sock = socket.create_connection(peer.address)
        arm()
        try:
            ws = await wirespeed.connect("ws://localhost/", sock=sock)
        except (WebSocketError, OSError) as exc:
            is_closed = sock.fileno() < 0
            sock.close()
            fate = "closed" if is_closed else "left open"
            return f"`connect` raises `{type(exc).__name__}`; the socket is {fate}."
        return await rest_of(ws, peer, [HELLO])


async def connection(arm: Arm) -> str:
    """The call fails while messages are sent and received."""
    with Peer() as peer:
        ws = await connected(peer)
        arm()
        await ws.send("one")
        return await rest_of(ws, peer, [HELLO, "one"])


async def backlog(arm: Arm) -> str:
    """The call fails while the socket takes no more."""
    with Peer(reads=False) as peer:
        ws = await connected(peer)
        sending = await fill(ws)
        arm()
        peer.tell(READ)
        await asyncio.gather(sending, return_exceptions=True)
        return await rest_of(ws, peer)


async def filling(arm: Arm) -> str:
    """The call fails at the moment when the socket takes no more."""
    with Peer(reads=False) as peer:
        ws = await connected(peer)
        arm()
        sending = await fill(ws)
        peer.tell(READ)
        await asyncio.gather(sending, return_exceptions=True)
        return await rest_of(ws, peer)


async def resuming(arm: Arm) -> str:
    """The call fails when a queue that was full has room again."""
    with Peer() as peer:
        ws = await connected(peer, max_queue=1)
        await ws.send_many(["one", "two", "three"])
        while not ws.stats.pauses:
            await turns()
        arm()
        return await rest_of(ws, peer, [HELLO, "one", "two", "three"])


async def fault(arm: Arm) -> str:
    """The call fails after the server has broken the protocol."""
    with Peer() as peer:
        ws = await connected(peer)
        arm()
        peer.tell(BREAK)
        received, _ = await receive_all(ws)
        await ws.wait_closed()
    assert received == [HELLO], received
    assert (ws.close_code, peer.close) == (1002, 1002)
    return UNNOTICED


async def closing(arm: Arm) -> str:
    """The call fails while the program closes the connection."""
    with Peer() as peer:
        ws = await connected(peer)
        arm()
        await ws.close()
        # The transport closes its socket after it has told of the end.
        await turns()
        assert ws.close_code == 1000
        return UNNOTICED


STEPS: Final[dict[str, Callable[[Arm], Awaitable[str]]]] = {
    step.__name__: step
    for step in (opening, given, connection, backlog, filling, resuming, fault, closing)
}


async def connected(peer: Peer, **options: Any) -> WebSocketConnection:
    host, port = peer.address
    return await wirespeed.connect(f"ws://{host}:{port}/", **options)


async def fill(ws: WebSocketConnection) -> asyncio.Future[None]:
    """Send until the socket takes no more; return the send that waits, or has failed."""
    while True:
        sending = asyncio.ensure_future(ws.send_bytes(bytes(MESSAGE_BYTES)))
        await turns(5)
        if not sending.done() or sending.exception() is not None:
            return sending


async def receive_all(ws: WebSocketConnection) -> tuple[list[str], WebSocketError]:
    """Receive to the end; return the messages, and the error that follows them."""
    received = []
    try:
        while True:
            received.append(await ws.receive_text())
    except WebSocketError as exc:
        return received, exc


async def rest_of(
    ws: WebSocketConnection, peer: Peer, expected: Sequence[str] | None = None
) -> str:
    """Use the connection to its end, and describe what is left of it.

    Args:
        ws: the connection.
        peer: the server.
        expected: the messages that arrive if nothing is lost; `None` if that is not known.
    """
    received: list[str] = []
    with contextlib.suppress(WebSocketError):
        await ws.send_text("again")
        while received[-1:] != ["again"]:
            received.append(await ws.receive_text())
        if expected is not None:
            assert received == [*expected, "again"], received
        if not ws.closed:
            await ws.close()
            assert ws.close_code == 1000
            return UNNOTICED
    peer.tell(LEAVE)
    rest, error = await receive_all(ws)
    await ws.wait_closed()
    cause = f"with `{type(error.__cause__).__name__}` as the cause"
    if rest[-1:] == [REST]:
        assert ws.close_code == 1000
        return f"Sends raise, {cause}; receives go on."
    return f"The connection is lost, {cause}."


async def play(faults: Faults, step: str, call: str, number: int) -> str:
    loop = asyncio.get_running_loop()
    before = open_sockets()
    reported: list[str] = []
    loop.set_exception_handler(lambda _, context: reported.append(repr(context)))
    faults.arm("", 0)
    try:
        async with asyncio.timeout(HANG_SECONDS):
            outcome = await STEPS[step](lambda: faults.arm(call, number))
    except Exception as exc:
        outcome = f"{type(exc).__name__}: {exc}"
    if not faults.met():
        outcome = NOT_CALLED
    give_up = loop.time() + HANG_SECONDS
    while open_sockets() - before:
        if loop.time() > give_up:
            outcome += " A socket is left open."
            break
        await turns()
    if reported:
        outcome += f" Reported: {reported}"
    return outcome


def main() -> None:
    library, loop_name = sys.argv[1:]
    faults = Faults(library)
    for line in sys.stdin.read().splitlines():
        step, call, name = line.split()
        with asyncio.Runner(loop_factory=LOOP_FACTORIES[loop_name]) as runner:
            print(runner.run(play(faults, step, call, getattr(errno, name))), flush=True)
        faults.arm("", 0)
    # Whatever a failed call has left behind is not to hold up the end.
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
