"""The start and end of each attempt: computed URLs and headers, `on_open`, a line in the log.

No test waits for real time: the `clock` fixture controls it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from outages import Clock, clock, refusing, reserved_port, serving
from rawserver import RawConnection, raw_server
from websockets.asyncio.server import ServerConnection

import wirespeed
from wirespeed import OpenTimeout, Reconnect, WebSocketConnection

__all__ = ["clock"]

pytestmark = pytest.mark.usefixtures("clock")

SECRET = "hunter2"


def in_both_kinds(function: Callable[..., Any]) -> list[Callable[..., Any]]:
    """Return the function, and a coroutine function that does the same."""

    async def coroutine_function(*args: Any) -> Any:
        await asyncio.sleep(0)
        return function(*args)

    return [function, coroutine_function]


async def hello(connection: ServerConnection) -> None:
    """Send back what the request said, and stay until the client closes."""
    request = connection.request
    assert request is not None
    await connection.send(f"{request.path} {request.headers.get('Authorization')}")
    await connection.wait_closed()


async def never() -> Any:
    """Wait forever."""
    await asyncio.get_running_loop().create_future()


# -- url and headers -------------------------------------------------------------------


@pytest.mark.parametrize("kind", [0, 1], ids=["function", "coroutine function"])
async def test_url_and_headers_are_computed_for_each_attempt(kind: int) -> None:
    numbers = iter(range(100))
    async with serving(hello) as url:
        compute_url = in_both_kinds(lambda: f"{url}?{next(numbers)}")[kind]
        compute_headers = in_both_kinds(lambda: {"Authorization": f"Bearer {next(numbers)}"})[kind]
        received = []
        async for ws in wirespeed.connect(compute_url, headers=compute_headers):
            received.append(await ws.receive_text())
            if len(received) == 3:
                break
    assert received == ["/feed?0 Bearer 1", "/feed?2 Bearer 3", "/feed?4 Bearer 5"]


@pytest.mark.parametrize("kind", [0, 1], ids=["function", "coroutine function"])
async def test_and_for_a_single_connection(kind: int) -> None:
    numbers = iter(range(100))
    async with serving(hello) as url:
        connecting = wirespeed.connect(
            in_both_kinds(lambda: f"{url}?{next(numbers)}")[kind],
            headers=in_both_kinds(lambda: [("Authorization", f"{next(numbers)}")])[kind],
        )
        ws = await connecting
        assert await ws.receive_text() == "/feed?0 1"
        await ws.close()
        async with connecting as ws:
            assert await ws.receive_text() == "/feed?2 3"


async def test_no_headers_may_come_of_it() -> None:
    async with serving(hello) as url, wirespeed.connect(url, headers=lambda: None) as ws:
        assert await ws.receive_text() == "/feed None"


async def test_they_have_a_deadline() -> None:
    for options in ({"url": never}, {"url": "ws://127.0.0.1:1/", "headers": never}):
        with pytest.raises(OpenTimeout, match=r"did not finish within 0\.01 seconds"):
            await wirespeed.connect(**options, open_timeout=0.01)


async def test_the_deadline_is_checked_before_they_are_called() -> None:
    with pytest.raises(TypeError, match="open_timeout must be a number of seconds or None"):
        await wirespeed.connect(never, open_timeout="1")  # type: ignore[arg-type]


async def test_a_timeout_of_their_own_stays_what_it_is() -> None:
    async def fail() -> str:
        raise TimeoutError(SECRET)

    with pytest.raises(TimeoutError, match=SECRET) as caught:
        await wirespeed.connect(fail)
    assert not isinstance(caught.value, OpenTimeout)


async def test_what_they_return_is_checked() -> None:
    with pytest.raises(TypeError, match="url must be a str"):
        await wirespeed.connect(lambda: 1)  # type: ignore[arg-type, return-value]
    with pytest.raises(TypeError, match="headers must be a mapping"):
        await wirespeed.connect("ws://127.0.0.1:1/", headers=lambda: 1)  # type: ignore[arg-type, return-value]


async def test_their_errors_are_judged_too(clock: Clock) -> None:
    errors: list[Exception] = [ConnectionResetError(), TimeoutError(), KeyError("token")]

    async def fail() -> str:
        raise errors.pop(0)

    with pytest.raises(KeyError) as caught:
        async for _ in wirespeed.connect(fail, reconnect=Reconnect(initial=1)):
            pass
    assert clock.delays == [1, 2]
    assert caught.value.__notes__[0].startswith("gave up after 3 attempts in 3.0 seconds")


# -- on_open ---------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [0, 1], ids=["function", "coroutine function"])
async def test_on_open_runs_before_the_connection_is_given_out(kind: int) -> None:
    async def echo(connection: ServerConnection) -> None:
        await connection.send(await connection.recv())
        await connection.wait_closed()

    subscribed: list[WebSocketConnection] = []

    def subscribe(ws: WebSocketConnection) -> Awaitable[None]:
        subscribed.append(ws)
        return ws.send_text("subscribe")

    async def subscribe_and_wait(ws: WebSocketConnection) -> None:
        await subscribe(ws)

    on_open = [subscribe, subscribe_and_wait][kind]
    async with serving(echo) as url:
        async for ws in wirespeed.connect(url, reconnect=Reconnect(on_open=on_open)):
            assert subscribed[-1] is ws
            assert await ws.receive_text() == "subscribe"
            if len(subscribed) == 3:
                break


async def test_a_single_connection_does_without() -> None:
    def fail(ws: WebSocketConnection) -> None:
        raise AssertionError

    policy = Reconnect(on_open=fail)
    async with serving(hello) as url, wirespeed.connect(url, reconnect=policy) as ws:
        assert await ws.receive_text() == "/feed None"


@pytest.mark.parametrize("kind", [0, 1], ids=["function", "coroutine function"])
async def test_when_on_open_fails_the_attempt_failed(kind: int, clock: Clock) -> None:
    closes: list[int | None] = []

    async def handle(connection: ServerConnection) -> None:
        await connection.wait_closed()
        closes.append(connection.close_code)

    errors: list[Exception] = [wirespeed.ReadTimeout(), OSError(), KeyError("no such feed")]

    def fail(ws: WebSocketConnection) -> None:
        raise errors.pop(0)

    policy = Reconnect(initial=1, on_open=in_both_kinds(fail)[kind])
    async with serving(handle) as url:
        with pytest.raises(KeyError) as caught:
            async for _ in wirespeed.connect(url, reconnect=policy):
                pass
    assert clock.delays == [1, 2]
    assert closes == [1011, 1011, 1011]
    assert caught.value.__notes__[0].startswith("gave up after 3 attempts in 3.0 seconds")


async def test_when_the_connection_is_lost_in_on_open(clock: Clock) -> None:
    count = 0

    async def handle(connection: RawConnection) -> None:
        nonlocal count
        count += 1
        await connection.accept()
        await connection.read_frame()
        if count == 3:
            await connection.close_politely()
        connection.reset()

    async def subscribe(ws: WebSocketConnection) -> None:
        await ws.send_text("subscribe")
        if count < 3:
            await ws.receive()

    async with raw_server(handle, connections=3) as url:
        async for ws in wirespeed.connect(url, reconnect=Reconnect(initial=1, on_open=subscribe)):
            assert [message async for message in ws] == []
            break
    assert clock.delays == [1, 2]


async def test_on_open_has_a_deadline() -> None:
    async def hang(ws: WebSocketConnection) -> None:
        await never()

    # On a busy machine the opening may take longer than that too.
    policy = Reconnect(on_open=hang, should_retry=lambda exc: "on_open" not in str(exc))
    async with serving(hello) as url:
        with pytest.raises(OpenTimeout, match=r"on_open did not finish within 0\.1 seconds"):
            async for _ in wirespeed.connect(url, open_timeout=0.1, reconnect=policy):
                pass


# -- the log ---------------------------------------------------------------------------


def lines(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    """Return level and text of what wirespeed logged about reconnecting."""
    return [
        (record.levelname, record.getMessage())
        for record in caplog.records
        if record.name == "wirespeed" and record.msg.startswith("connection to ")
    ]


async def test_one_line_for_each_attempt(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "wirespeed")
    count = 0
    async with refusing((503, {})) as (server, _):
        place = server
        url = server.replace("ws://", f"ws://me:{SECRET}@") + f"?token={SECRET}"
        async for ws in wirespeed.connect(url, headers={"Authorization": SECRET}):
            assert await ws.receive_text() == "hello"
            assert [message async for message in ws] == []
            count += 1
            if count == 2:
                await ws.close()
                break
    (refused_level, refused), (ended_level, ended) = lines(caplog)
    assert (refused_level, ended_level) == ("WARNING", "INFO")
    assert refused.startswith(f"connection to {place} was not opened: HandshakeError: ")
    assert refused.endswith("; next attempt in 1 seconds")
    assert ended.startswith(f"connection to {place} has ended: ConnectionDisconnected: ")
    assert ended.endswith("; next attempt in 2 seconds")
    assert SECRET not in caplog.text


async def test_the_errors_of_others_are_only_named(caplog: pytest.LogCaptureFixture) -> None:
    errors: list[Exception] = [KeyError(SECRET), TypeError(SECRET)]

    async def fail() -> str:
        raise errors.pop(0)

    policy = Reconnect(should_retry=lambda exc: isinstance(exc, KeyError))
    with pytest.raises(TypeError):
        async for _ in wirespeed.connect(fail, reconnect=policy):
            pass
    assert lines(caplog) == [
        (
            "WARNING",
            "connection to a computed URL was not opened: KeyError; next attempt in 1 seconds",
        )
    ]


@pytest.mark.parametrize("url", [SECRET, f"ws://{SECRET}:port/", None])
async def test_a_url_that_cannot_be_named(url: Any, caplog: pytest.LogCaptureFixture) -> None:
    policy = Reconnect(should_retry=lambda exc: True, initial=1, give_up_after=1)
    with pytest.raises((wirespeed.InvalidURL, TypeError)):
        async for _ in wirespeed.connect(url, reconnect=policy):
            pass
    ((_, text),) = lines(caplog)
    assert text.startswith("connection to an invalid URL was not opened: ")
    assert SECRET not in text


async def test_nothing_is_computed_for_a_log_that_nobody_reads(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Unprintable(OSError):
        def __str__(self) -> str:
            raise AssertionError

    async def fail() -> str:
        raise Unprintable

    caplog.set_level(logging.ERROR, "wirespeed")
    with pytest.raises(Unprintable):
        async for _ in wirespeed.connect(fail, reconnect=Reconnect(initial=1, give_up_after=1)):
            pass
    assert lines(caplog) == []


async def test_refused_connections_are_told(caplog: pytest.LogCaptureFixture) -> None:
    policy = Reconnect(initial=1, give_up_after=1)
    with reserved_port() as port, pytest.raises(ConnectionRefusedError):
        async for _ in wirespeed.connect(f"ws://127.0.0.1:{port}/a?b", reconnect=policy):
            pass
    ((level, text),) = lines(caplog)
    assert level == "WARNING"
    assert text.startswith(f"connection to ws://127.0.0.1:{port}/a was not opened: ConnectionRef")
    assert text.endswith("; next attempt in 1 seconds")
