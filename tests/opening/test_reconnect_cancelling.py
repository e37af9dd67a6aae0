"""Cancelling while the next connection is awaited: it ends at once and leaves nothing behind.

Nothing is left to luck: the tests name the stages, and then try every turn of the loop.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

import pytest
from ends import close_frame
from outages import LIFETIME, Clock, clock, reserved_port
from rawserver import RawConnection, raw_server

import wirespeed
from wirespeed import CloseCause, Reconnect, WebSocketConnection

__all__ = ["clock"]

pytestmark = pytest.mark.usefixtures("transports")


class Stage:
    """A place where something waits until it is cancelled."""

    def __init__(self) -> None:
        self.reached = asyncio.Event()
        self.cancelled = False

    async def stay(self) -> None:
        """Wait until cancelled."""
        self.reached.set()
        try:
            await asyncio.get_running_loop().create_future()
        except asyncio.CancelledError:
            self.cancelled = True
            raise

    async def cancel(self, task: asyncio.Task[WebSocketConnection]) -> None:
        """Cancel the task once it waits here."""
        await self.reached.wait()
        task.cancel("stop")
        with pytest.raises(asyncio.CancelledError, match="stop"):
            await task
        assert self.cancelled


def next_of(
    connections: wirespeed.Reconnecting,
) -> asyncio.Task[WebSocketConnection]:
    """Await the next connection in a separate task."""
    return asyncio.create_task(connections.__anext__())


async def greet(connection: RawConnection) -> None:
    """Open the connection, and wait until the client ends it in any way."""
    await connection.accept()
    await connection.read_rest()


async def test_in_the_delay(clock: Clock) -> None:
    stage = Stage()
    clock.before_waking = stage.stay
    with reserved_port() as port:
        connections = aiter(wirespeed.connect(f"ws://127.0.0.1:{port}/"))
        await stage.cancel(next_of(connections))
        assert [ws async for ws in connections] == []


@pytest.mark.parametrize("what", ["url", "headers"])
async def test_in_a_function_of_the_caller(what: str) -> None:
    stage = Stage()

    async def compute() -> str:
        await stage.stay()
        return ""

    options = {"url": "ws://127.0.0.1:1/"} | {what: compute}
    await stage.cancel(next_of(aiter(wirespeed.connect(**options))))  # type: ignore[arg-type]


async def test_in_the_opening_handshake() -> None:
    arrived = asyncio.Event()

    async def handle(connection: RawConnection) -> None:
        await connection.read_upgrade()
        arrived.set()
        assert await connection.read_rest() == b""

    async with raw_server(handle) as url:
        task = next_of(aiter(wirespeed.connect(url, open_timeout=None)))
        await arrived.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_in_on_open() -> None:
    stage = Stage()

    async def on_open(ws: WebSocketConnection) -> None:
        await stage.stay()

    async with raw_server(greet) as url:
        policy = Reconnect(on_open=on_open)
        task = next_of(aiter(wirespeed.connect(url, open_timeout=None, reconnect=policy)))
        await stage.cancel(task)


async def test_what_is_dropped_was_aborted() -> None:
    stage = Stage()
    opened: list[WebSocketConnection] = []

    async def stay(connection: WebSocketConnection) -> None:
        opened.append(connection)
        await stage.stay()

    async with raw_server(greet) as url:
        connections = aiter(wirespeed.connect(url, reconnect=Reconnect(on_open=stay)))
        await stage.cancel(next_of(connections))
        await opened[0].wait_closed()
    assert opened[0].close_info is not None
    assert opened[0].close_info.cause is CloseCause.ABORT


async def test_while_on_open_has_failed_and_the_connection_closes() -> None:
    closing = asyncio.Event()

    async def handle(connection: RawConnection) -> None:
        await connection.accept()
        assert await connection.expect_close() == (1011, "")
        closing.set()
        # No answer comes: only the cancellation ends it.
        assert await connection.read_rest() == b""

    async def on_open(ws: WebSocketConnection) -> None:
        raise OSError

    async with raw_server(handle) as url:
        policy = Reconnect(on_open=on_open)
        task = next_of(aiter(wirespeed.connect(url, close_timeout=None, reconnect=policy)))
        await closing.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


@pytest.mark.parametrize("way", ["next", "aclose"])
async def test_while_the_connection_before_closes(way: str) -> None:
    closing = asyncio.Event()

    async def handle(connection: RawConnection) -> None:
        await connection.accept()
        assert await connection.expect_close() == (1000, "")
        closing.set()
        assert await connection.read_rest() == b""

    async with raw_server(handle) as url:
        connections = aiter(wirespeed.connect(url, close_timeout=None))
        await anext(connections)
        wait = connections.__anext__ if way == "next" else connections.aclose
        task: asyncio.Task[object] = asyncio.create_task(wait())
        await closing.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert [ws async for ws in connections] == []


async def test_while_the_connection_before_has_not_ended_its_tcp_connection(clock: Clock) -> None:
    stage = Stage()
    clock.before_waking = stage.stay

    async def handle(connection: RawConnection) -> None:
        await connection.accept(trailing=close_frame(1000))
        await connection.read_rest()

    async with raw_server(handle) as url:
        connections = aiter(wirespeed.connect(url, close_timeout=None))
        assert [message async for message in await anext(connections)] == []
        await stage.cancel(next_of(connections))


async def every_turn(scenario: Callable[[], wirespeed.Reconnecting], url_count: int) -> int:
    """Cancel the scenario after 0, 1, 2... turns of the loop, until it ends without that.

    Returns:
        The number of turns after which it does.
    """
    turns = 0
    while True:
        task = asyncio.create_task(_use(scenario(), url_count))
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
            return turns
        turns += 1


async def _use(connections: wirespeed.Reconnecting, count: int) -> None:
    async with contextlib.aclosing(connections):
        for _ in range(count):
            ws = await anext(connections)
            with contextlib.suppress(ConnectionError):
                assert await ws.receive_text() == "hello"


@pytest.mark.parametrize("lifetime", [None, LIFETIME], ids=["plain", "lifetime"])
@pytest.mark.deadline(120)
async def test_at_every_turn(lifetime: float | None, clock: Clock) -> None:
    """Failing attempts, delays, `on_open`, closings and renewals, cut off everywhere."""
    clock.lifetime_over.set()
    attempts = 0

    async def handle(connection: RawConnection) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await connection.accept(trailing=b"\x81\x05hello")
            while (await connection.read_frame()).opcode != 8:
                pass
            await connection.write(close_frame(1000))

    async def compute_url() -> str:
        nonlocal attempts
        attempts += 1
        await asyncio.sleep(0)
        if attempts % 3 == 0:
            raise OSError
        return url

    async def on_open(ws: WebSocketConnection) -> None:
        await ws.send_text("subscribe")
        await asyncio.sleep(0)
        if attempts % 5 == 0:
            raise OSError

    def scenario() -> wirespeed.Reconnecting:
        nonlocal attempts
        attempts = 0
        policy = Reconnect(initial=1, max_lifetime=lifetime, on_open=on_open)
        return aiter(wirespeed.connect(compute_url, reconnect=policy))

    async with raw_server(handle) as url:
        assert await every_turn(scenario, 6) > 20
