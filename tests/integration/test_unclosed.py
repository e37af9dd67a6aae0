"""Connections that nobody closes: a warning, and the socket is freed.

Must not know how: the server sees the end of the stream.
"""

from __future__ import annotations

import asyncio
import gc
import socket
import subprocess
import sys
import threading
import warnings
from collections.abc import Iterator

import pytest
from integration.ends import turns
from looprunner import LOOP_FACTORIES
from rawserver import accept_response, parse_upgrade, unmask

import wirespeed
from wirespeed import ConnectionDisconnected

TWO_MESSAGES = b"\x81\x011\x81\x012"


UNCLOSED = "unclosed connection <WebSocketConnection open>"


def collected() -> list[str]:
    """Collect garbage; return the warnings. The socket's own may come as well, and first."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        gc.collect()
    return [str(warning.message) for warning in caught]


class PlainServer:
    """Accepts one connection in a thread of its own, and waits for the end of the stream.

    Attributes:
        url: where it listens.
        received: what came after the opening handshake.
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
                # Closed with data unread.
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


@pytest.mark.loops("asyncio")
async def test_a_connection_that_reads_nothing_and_is_dropped(plain_server: PlainServer) -> None:
    connection = await wirespeed.connect(plain_server.url, max_queue=1, ping_interval=None)
    # Two messages are queued, so that reading is held back, and the event loop knows nothing of it.
    await turns()
    del connection
    assert UNCLOSED in collected()
    assert await asyncio.to_thread(plain_server.ended.wait, 30)


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
            # What a task does in its last moments still works.
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
