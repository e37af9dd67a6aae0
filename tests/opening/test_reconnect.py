"""`async for` over `connect(...)`: servers that end connections, refuse them, or are not there.

No test waits for real time: the `clock` fixture controls it.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl

import pytest
from ends import close_frame, text_frame, turns
from outages import Clock, clock, opened, refusing, reserved_port, serving
from rawserver import RawConnection, raw_server
from servers import websockets_server
from websockets.asyncio.server import ServerConnection

import wirespeed
from wirespeed import ConnectionDisconnected, HandshakeError, Reconnect

__all__ = ["clock"]

pytestmark = pytest.mark.usefixtures("clock")

GROWING = Reconnect(initial=1, factor=2, maximum=4)


async def greet(connection: ServerConnection) -> None:
    """Say hello, and stay until the client closes."""
    await connection.send("hello")
    await connection.wait_closed()


async def hello_and_close(connection: ServerConnection) -> None:
    await connection.send("hello")
    await connection.close(1001, "restart")


async def test_a_server_that_restarts() -> None:
    received = []
    with reserved_port() as port:
        async with contextlib.AsyncExitStack() as first, contextlib.AsyncExitStack() as second:
            url = await first.enter_async_context(serving(greet, port))
            async for ws in wirespeed.connect(url):
                async for message in ws:
                    received.append(message)
                    if len(received) == 1:
                        # This closes the server's connections with 1001.
                        await first.aclose()
                        await second.enter_async_context(serving(greet, port))
                    else:
                        break
                if len(received) == 2:
                    break
    assert received == ["hello", "hello"]


async def test_a_server_that_is_not_there_yet(clock: Clock) -> None:
    async with contextlib.AsyncExitStack() as stack:
        port = stack.enter_context(reserved_port())

        async def start_at_last() -> None:
            if len(clock.delays) == 4:
                await stack.enter_async_context(serving(greet, port))

        clock.before_waking = start_at_last
        async for ws in wirespeed.connect(f"ws://127.0.0.1:{port}/", reconnect=GROWING):
            assert await ws.receive_text() == "hello"
            break
    assert clock.delays == [1, 2, 4, 4]


async def test_connections_that_end_at_once_are_waited_for_longer(clock: Clock) -> None:
    async with serving(hello_and_close) as url:
        async for ws in wirespeed.connect(url, reconnect=GROWING):
            assert [message async for message in ws] == ["hello"]
            if len(clock.delays) == 4:
                break
    assert clock.delays == [1, 2, 4, 4]


async def test_good_connections_are_not(clock: Clock) -> None:
    async with serving(hello_and_close) as url:
        policy = Reconnect(initial=1, reset_after=60)
        async for ws in wirespeed.connect(url, reconnect=policy):
            assert [message async for message in ws] == ["hello"]
            if len(clock.delays) == 5:
                break
            clock.now += 60 if len(clock.delays) == 2 else 59
    assert clock.delays == [1, 2, 1, 2, 4]


async def test_a_connection_that_is_lost() -> None:
    accepted: list[RawConnection] = []

    async def handle(connection: RawConnection) -> None:
        accepted.append(connection)
        await connection.accept(trailing=text_frame("hello"))
        if len(accepted) == 1:
            await connection.read_frame()
            connection.reset()
        else:
            await connection.close_politely()

    async with raw_server(handle, connections=2) as url:
        async for ws in wirespeed.connect(url):
            assert await ws.receive_text() == "hello"
            if len(accepted) == 2:
                assert [message async for message in ws] == []
                break
            await ws.send_text("reset, please")
            with pytest.raises(ConnectionDisconnected):
                await ws.receive()


async def test_the_next_one_closes_the_one_before() -> None:
    events: list[str] = []

    async def handle(connection: ServerConnection) -> None:
        events.append("opened")
        await connection.wait_closed()
        events.append(f"closed {connection.close_code}")

    async with serving(handle) as url, contextlib.aclosing(aiter(wirespeed.connect(url))) as all_:
        async for _ in all_:
            if len(events) == 5:
                break
    assert events == ["opened", "closed 1000", "opened", "closed 1000", "opened", "closed 1000"]


async def test_a_server_that_does_not_end_the_tcp_connection_is_not_waited_for() -> None:
    accepted: list[RawConnection] = []
    first_ended = asyncio.Event()

    async def handle(connection: RawConnection) -> None:
        accepted.append(connection)
        is_first = len(accepted) == 1
        await connection.accept(trailing=close_frame(1000))
        await connection.expect_close()
        if is_first:
            # The stream lasts until the client ends it.
            assert await connection.read_rest() == b""
            first_ended.set()

    async with raw_server(handle, connections=2) as url:
        async for ws in wirespeed.connect(url, close_timeout=None):
            assert [message async for message in ws] == []
            if len(accepted) == 2:
                await first_ended.wait()
                break


@pytest.mark.parametrize("way", ["break", "return", "error"])
async def test_leaving_the_loop_closes_the_connection(way: str) -> None:
    async def use(url: str) -> None:
        async for ws in wirespeed.connect(url):
            await ws.send_text("hello")
            if way == "break":
                break
            if way == "return":
                return
            raise KeyError

    async with websockets_server() as server:
        with contextlib.suppress(KeyError):
            await use(server.url)
        assert await server.closes.get() == (1000, "")


async def test_closing_waits_for_the_end() -> None:
    async with websockets_server() as server:
        async with contextlib.aclosing(aiter(wirespeed.connect(server.url))) as connections:
            async for ws in connections:
                kept = ws
                break
        assert repr(kept) == "<WebSocketConnection closed>"
        assert await server.closes.get() == (1000, "")
        await connections.aclose()
        assert [ws async for ws in connections] == []


async def test_closing_what_has_not_begun() -> None:
    connections = aiter(wirespeed.connect("ws://127.0.0.1:1/"))
    await connections.aclose()
    assert [ws async for ws in connections] == []


async def test_one_task_at_a_time() -> None:
    arrived, released = asyncio.Event(), asyncio.Event()

    async def handle(connection: RawConnection) -> None:
        arrived.set()
        await released.wait()

    async with raw_server(handle) as url:
        connections = aiter(wirespeed.connect(url))
        task = asyncio.create_task(anext(connections))
        await arrived.wait()
        for wrong in (connections.__anext__, connections.aclose):
            with pytest.raises(RuntimeError, match="another task waits for the next connection"):
                await wrong()
        task.cancel()
        released.set()
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_loops_over_the_same_are_independent() -> None:
    async with serving(greet) as url:
        connecting = wirespeed.connect(url)
        async for first in connecting:
            async for second in connecting:
                assert first is not second
                assert await second.receive_text() == await first.receive_text()
                break
            async with connecting as third:
                assert await third.receive_text() == "hello"
            break


# -- errors ----------------------------------------------------------------------------


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503])
async def test_refusals_that_pass(status: int, clock: Clock) -> None:
    async with refusing((status, {}), (status, {})) as (url, given), opened(url, GROWING) as ws:
        assert await ws.receive_text() == "hello"
    assert given == [status, status, 101]
    assert clock.delays == [1, 2]


@pytest.mark.parametrize("status", [200, 302, 401, 403, 404, 407, 410])
async def test_refusals_that_stay(status: int, clock: Clock) -> None:
    headers = {"Location": "mailto:nobody"} if status == 302 else {}
    async with refusing((503, {}), (status, headers)) as (url, given):
        with pytest.raises(HandshakeError) as caught:
            async for _ in wirespeed.connect(url, reconnect=GROWING):
                pass
    assert caught.value.status == status
    assert caught.value.__notes__ == [
        "gave up after 2 attempts in 1.0 seconds: this error is not worth a retry (should_retry)"
    ]
    assert given == [503, status]
    assert clock.delays == [1]


async def test_after_an_error_the_iteration_is_over() -> None:
    async with refusing((401, {})) as (url, given):
        connections = aiter(wirespeed.connect(url))
        with pytest.raises(HandshakeError):
            await anext(connections)
        with pytest.raises(StopAsyncIteration):
            await anext(connections)
    assert given == [401]


async def test_a_function_of_the_caller_decides() -> None:
    seen: list[Exception] = []

    def decide(exc: Exception) -> bool:
        seen.append(exc)
        is_closed_for_good = isinstance(exc, ConnectionDisconnected) and exc.code == 4001
        return not is_closed_for_good and (
            wirespeed.should_retry(exc) or getattr(exc, "status", None) == 404
        )

    policy = Reconnect(should_retry=decide)
    async with refusing((404, {})) as (url, given), opened(url, policy) as ws:
        assert await ws.receive_text() == "hello"
    assert given == [404, 101]

    async def handle(connection: ServerConnection) -> None:
        await connection.close(4001, "banned")

    async with serving(handle) as url:
        with pytest.raises(ConnectionDisconnected) as caught:
            async for ws in wirespeed.connect(url, reconnect=Reconnect(should_retry=decide)):
                with pytest.raises(ConnectionDisconnected):
                    await ws.receive()
    assert (caught.value.code, caught.value.reason) == (4001, "banned")
    assert seen[-1] is caught.value


async def test_an_error_of_that_function_comes_out() -> None:
    def decide(exc: Exception) -> bool:
        raise exc

    async with refusing((503, {})) as (url, _):
        with pytest.raises(HandshakeError) as caught:
            async for _ in wirespeed.connect(url, reconnect=Reconnect(should_retry=decide)):
                pass
    assert caught.value.status == 503


async def test_giving_up(clock: Clock) -> None:
    policy = Reconnect(initial=1, give_up_after=9)
    with reserved_port() as port, pytest.raises(ConnectionRefusedError) as caught:
        async for _ in wirespeed.connect(f"ws://127.0.0.1:{port}/", reconnect=policy):
            pass
    assert clock.delays == [1, 2, 4, 2]
    (note,) = caught.value.__notes__
    assert note.startswith("gave up after 5 attempts in 9.0 seconds: limit is 9 seconds without")


async def test_the_time_without_a_connection_begins_with_its_end(clock: Clock) -> None:
    with reserved_port() as port:
        policy = Reconnect(initial=1, give_up_after=3, reset_after=60)
        with pytest.raises(ConnectionRefusedError) as caught:
            async with contextlib.AsyncExitStack() as stack:
                url = await stack.enter_async_context(serving(greet, port))
                async for ws in wirespeed.connect(url, reconnect=policy):
                    assert await ws.receive_text() == "hello"
                    clock.now += 1000
                    await stack.aclose()
    assert clock.delays == [1, 2]
    assert "after 2 attempts in 3.0 seconds" in caught.value.__notes__[0]


@pytest.mark.parametrize(
    ("url", "options", "error"),
    [
        ("ftp://127.0.0.1/", {}, wirespeed.InvalidURL),
        (b"ws://127.0.0.1/", {}, TypeError),
        ("ws://127.0.0.1:1/", {"max_queue": "1"}, TypeError),
        ("ws://127.0.0.1:1/", {"ssl": True}, ValueError),
        ("ws://127.0.0.1:1/", {"headers": {"A": "\n"}}, ValueError),
    ],
)
async def test_mistakes_are_not_tried_again(
    url: str, options: dict[str, object], error: type[Exception], clock: Clock
) -> None:
    with pytest.raises(error):
        async for _ in wirespeed.connect(url, **options):  # type: ignore[arg-type]
            pass
    assert clock.delays == []


async def test_the_policy_is_checked() -> None:
    with pytest.raises(TypeError, match="reconnect must be a Reconnect, True or None, not int"):
        wirespeed.connect("ws://127.0.0.1:1/", reconnect=1)  # type: ignore[arg-type]


async def test_true_stands_for_the_defaults() -> None:
    connecting = wirespeed.connect("ws://127.0.0.1:1/", reconnect=True)
    assert aiter(connecting)._policy == wirespeed.Reconnect()


async def test_a_certificate_that_cannot_be_verified(
    server_ssl: ssl.SSLContext, clock: Clock
) -> None:
    async with websockets_server(ssl=server_ssl) as server:
        with pytest.raises(ssl.SSLCertVerificationError):
            async for _ in wirespeed.connect(server.url):
                pass
        await turns(10)
    assert clock.delays == []


async def test_tls(server_ssl: ssl.SSLContext, client_ssl: ssl.SSLContext) -> None:
    count = 0
    async with websockets_server(ssl=server_ssl) as server:
        async for ws in wirespeed.connect(server.url, ssl=client_ssl):
            await ws.send_text("hello")
            assert await ws.receive_text() == "hello"
            count += 1
            if count == 3:
                break
        for _ in range(3):
            assert await server.closes.get() == (1000, "")
