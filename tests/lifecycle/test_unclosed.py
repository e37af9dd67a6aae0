"""Connections that are not closed: there is a warning, and the socket is closed.

The tests check this at the server, which sees the end of the stream.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import socket
import subprocess
import sys
import threading
import warnings
import weakref
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from typing import Any, Final

import pytest
from ends import Tls, turns
from looprunner import LOOP_FACTORIES
from rawserver import RawConnection, accept_response, parse_upgrade, raw_server, unmask

import wirespeed
from wirespeed import ConnectionDisconnected, Heartbeat

TWO_MESSAGES = b"\x81\x011\x81\x012"
NO_TLS: Final = Tls(None, None)

UNCLOSED = "unclosed connection <WebSocketConnection open>"


def collected() -> list[str]:
    """Collect garbage; return the warnings. The socket's own warning may be among them."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        gc.collect()
    return [str(warning.message) for warning in caught]


class PlainServer:
    """Accepts one connection in a separate thread, and waits for the end of the stream.

    Attributes:
        url: the URL of the server.
        received: the data after the opening handshake.
        ended: set when the stream has ended.
    """

    def __init__(self) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"ws://127.0.0.1:{self._listening.getsockname()[1]}/"
        self.received = b""
        self.ended = threading.Event()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        with self._listening, self._listening.accept()[0] as own:
            own.settimeout(30)
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                head += own.recv(4096)
            own.sendall(accept_response(parse_upgrade(head)) + TWO_MESSAGES)
            try:
                while data := own.recv(4096):
                    self.received += data
            except ConnectionResetError:
                # The client closed with unread data.
                pass
            self.ended.set()

    def join(self) -> None:
        """Wait for the thread."""
        self._thread.join()


@pytest.fixture
def plain_server() -> Iterator[PlainServer]:
    """Serve one connection."""
    server = PlainServer()
    yield server
    server.join()


def test_a_connection_that_outlives_its_loop(plain_server: PlainServer) -> None:
    loop = asyncio.new_event_loop()

    async def connect() -> wirespeed.WebSocketConnection:
        connection = await wirespeed.connect(plain_server.url)
        assert await connection.receive_text() == "1"
        return connection

    connection = loop.run_until_complete(connect())
    loop.close()
    del connection, loop
    assert UNCLOSED in collected()
    assert plain_server.ended.wait(30)


@contextlib.asynccontextmanager
async def watched(
    tls: Tls = NO_TLS, greeting: bytes = b""
) -> AsyncIterator[tuple[str, asyncio.Event]]:
    """Serve one connection; yield its URL and an event that is set when its stream has ended."""
    ended = asyncio.Event()

    async def handle(connection: RawConnection) -> None:
        await connection.accept(trailing=greeting)
        await connection.read_rest()
        ended.set()

    async with raw_server(handle, ssl=tls.server) as url:
        yield url, ended


@pytest.mark.usefixtures("transports")
@pytest.mark.parametrize("ping_interval", [None, 3600.0])
async def test_a_connection_that_is_dropped(tls: Tls, ping_interval: float | None) -> None:
    async with watched(tls) as (url, ended):
        connection = await wirespeed.connect(url, ssl=tls.client, ping_interval=ping_interval)
        await connection.send("1")
        # What was sent in this turn of the loop is written at its end.
        await turns()
        del connection
        assert UNCLOSED in collected()
        # The socket is closed while the loop runs.
        await ended.wait()


@pytest.mark.usefixtures("transports")
async def test_a_connection_that_is_collected_in_another_thread(tls: Tls) -> None:
    async with watched(tls) as (url, ended):
        connection = await wirespeed.connect(url, ssl=tls.client, ping_interval=None)
        await connection.send("1")
        await turns()
        gc.collect()
        del connection
        assert UNCLOSED in await asyncio.to_thread(collected)
        # The event loop's own thread has closed the socket.
        await ended.wait()


@pytest.mark.usefixtures("transports")
@pytest.mark.parametrize(
    "options",
    [
        {"max_queue": 1},
        {"idle_timeout": 3600.0},
        {"heartbeat": Heartbeat(interval=3600.0, payload="x", timeout=3600.0)},
        {"batch_window": 0.001},
        {"text_queue_maxsize": 1},
        {"conflate": str, "overflow": "drop_oldest"},
    ],
    ids=str,
)
async def test_whatever_it_was_opened_with(options: dict[str, Any]) -> None:
    async with watched(greeting=TWO_MESSAGES) as (url, ended):
        connection = await wirespeed.connect(url, **options)
        await turns(10)
        del connection
        assert UNCLOSED in collected()
        await ended.wait()


@pytest.mark.usefixtures("transports")
async def test_whatever_was_done_with_it() -> None:
    async with watched(greeting=TWO_MESSAGES) as (url, ended):
        connection = await wirespeed.connect(url)
        assert await connection.receive_many() == ["1", "2"]
        await connection.send_many(["x" * 70_000, "y"])
        for receive in (connection.receive, connection.receive_pong, connection.wait_closed):
            waiting = asyncio.ensure_future(receive())
            await turns()
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
        await turns(3)
        del connection, receive, waiting
        assert UNCLOSED in collected()
        await ended.wait()


async def test_dropped_in_another_thread() -> None:
    async with watched() as (url, ended):
        held = [await wirespeed.connect(url)]

        def drop() -> list[str]:
            held.clear()
            return collected()

        assert UNCLOSED in await asyncio.to_thread(drop)
        await ended.wait()


# -- what keeps an unreferenced connection alive ------------------------------------------


async def one_message(url: str) -> str | bytes:
    async for message in await wirespeed.connect(url):
        return message
    raise AssertionError


async def one_batch(url: str) -> str | bytes:
    async for batch in (await wirespeed.connect(url)).batches():
        return batch[0]
    raise AssertionError


async def one_receive(url: str) -> str | bytes:
    return (await (await wirespeed.connect(url)).receive()).data


async def one_receive_in_a_task(url: str) -> str | bytes:
    return (await asyncio.create_task((await wirespeed.connect(url)).receive(timeout=60))).data


async def one_receive_of_a_lane(url: str) -> str | bytes:
    return await (await wirespeed.connect(url, text_queue_maxsize=9)).receive_text()


async def the_end(url: str) -> str | bytes:
    await (await wirespeed.connect(url)).wait_closed()
    return "1"


async def a_pong(url: str) -> str | bytes:
    return (await (await wirespeed.connect(url)).receive_pong()).decode()


async def room(url: str) -> str | bytes:
    sending = (await wirespeed.connect(url)).send_many([b"x" * 65536] * 100)
    await sending
    return "1"


@pytest.mark.usefixtures("transports")
@pytest.mark.parametrize(
    "use",
    [
        *(one_message, one_batch, one_receive, one_receive_in_a_task, one_receive_of_a_lane),
        *(the_end, a_pong, room),
    ],
)
async def test_who_waits_keeps_it(
    use: Callable[[str], Coroutine[Any, Any, str | bytes]],
) -> None:
    """Only the event loop refers to the task."""
    results: asyncio.Queue[str | bytes] = asyncio.Queue()
    proceed = asyncio.Event()

    async def handle(connection: RawConnection) -> None:
        await connection.accept()
        await proceed.wait()
        if use is room:
            for _ in range(100):
                await connection.read_frame()
        await connection.write(b"\x8a\x011" + TWO_MESSAGES)
        if use is the_end:
            await connection.close_politely()
        else:
            await connection.read_rest()

    async def report(url: str) -> None:
        results.put_nowait(await use(url))

    async with raw_server(handle, limit=1024) as url:
        gone = weakref.ref(asyncio.create_task(report(url)))
        for _ in range(20):
            await turns(10)
            assert collected() == []
        task = gone()
        assert task is not None
        assert not task.done()
        del task
        proceed.set()
        assert await results.get() == "1"
        await turns(3)
        assert set(collected()) <= {UNCLOSED}


SCRIPT = """
import asyncio, sys
import wirespeed

async def main():
    connection = await wirespeed.connect(sys.argv[1], close_timeout=0.1)
    assert await connection.receive_text() == "1"
    print("open")
    HOW

asyncio.run(main())
print("the end")
"""


@pytest.mark.parametrize(
    ("how", "warns"),
    [
        ("main.connection = connection", True),
        ("main.task = asyncio.create_task(connection.receive())", True),
        ("main.task = asyncio.create_task(connection.close())", True),
        ("await connection.close()", False),
        ("connection.abort(); await connection.wait_closed()", False),
    ],
    ids=["open", "receiving", "closing", "closed", "aborted"],
)
def test_the_end_of_the_interpreter(plain_server: PlainServer, how: str, warns: bool) -> None:
    if "close()" in how and warns:
        how += "; await asyncio.sleep(0)"
    script = SCRIPT.replace("HOW", how)
    done = subprocess.run(
        [sys.executable, "-W", "always", "-c", script, plain_server.url],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout == "open\nthe end\n", done.stderr
    assert done.returncode == 0
    assert ("unclosed connection <WebSocketConnection" in done.stderr) is warns
    assert "Traceback" not in done.stderr
    assert plain_server.ended.wait(30)


@pytest.mark.parametrize("loop_name", LOOP_FACTORIES)
def test_a_receive_at_the_end_of_the_loop_is_cancelled(
    plain_server: PlainServer, loop_name: str
) -> None:
    async def main() -> asyncio.Task[object]:
        connection = await wirespeed.connect(plain_server.url)
        connections.append(connection)
        assert await connection.receive_many() != []
        task: asyncio.Task[object] = asyncio.create_task(drain(connection))
        await turns(3)
        return task

    async def drain(connection: wirespeed.WebSocketConnection) -> None:
        try:
            while True:
                await connection.receive()
        finally:
            # The calls still work while the task is being cancelled.
            connection.abort()
            await connection.wait_closed()
            with pytest.raises(ConnectionDisconnected):
                await connection.receive()

    connections: list[wirespeed.WebSocketConnection] = []
    with asyncio.Runner(loop_factory=LOOP_FACTORIES[loop_name]) as runner:
        task = runner.run(main())
    assert task.cancelled()
    assert connections[0].closed
    assert plain_server.ended.wait(30)


@pytest.mark.parametrize("loop_name", LOOP_FACTORIES)
def test_a_block_that_the_end_of_the_loop_leaves(plain_server: PlainServer, loop_name: str) -> None:
    async def stay(entered: asyncio.Event) -> None:
        async with wirespeed.connect(plain_server.url, close_timeout=0.05):
            entered.set()
            await asyncio.Event().wait()

    async def main() -> asyncio.Task[None]:
        entered = asyncio.Event()
        task = asyncio.create_task(stay(entered))
        await entered.wait()
        return task

    with asyncio.Runner(loop_factory=LOOP_FACTORIES[loop_name]) as runner:
        task = runner.run(main())
    assert task.cancelled()
    assert plain_server.ended.wait(30)
    frame = plain_server.received
    assert (frame[:2], unmask(frame[6:], frame[2:6])) == (b"\x88\x82", b"\x03\xf3")
