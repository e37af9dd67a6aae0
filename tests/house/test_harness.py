"""The runner of async tests really fails tests that leave something behind.

Does not use the package under test: these tests check the test harness itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable, Coroutine
from typing import Any

import looprunner
import pytest
from looprunner import LOOP_FACTORIES, run_async_test
from rawserver import RawConnection, raw_server

AsyncTest = Callable[[], Coroutine[Any, Any, None]]


@pytest.fixture(params=LOOP_FACTORIES)
def run(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Callable[[AsyncTest], None]:
    """Return a runner of a coroutine function as a test on one event loop, with a short limit."""
    monkeypatch.setattr(looprunner, "SETTLE_SECONDS", 0.05)
    factory = LOOP_FACTORIES[request.param]
    return lambda test: run_async_test("the test", factory, test, 0.2)


def test_runs_the_test(run: Callable[[AsyncTest], None]) -> None:
    ran = []

    async def good() -> None:
        ran.append(asyncio.get_running_loop().get_debug())

    run(good)
    assert ran == [False]


def test_raises_what_the_test_raises(run: Callable[[AsyncTest], None]) -> None:
    async def bad() -> None:
        asyncio.get_running_loop().call_exception_handler({"message": "a complaint"})
        raise LookupError("this one")

    with pytest.raises(LookupError, match="this one") as caught:
        run(bad)
    assert caught.value.__notes__ == ["event loop: a complaint: "]


def test_names_the_test_that_takes_too_long(run: Callable[[AsyncTest], None]) -> None:
    async def endless() -> None:
        await asyncio.Event().wait()

    with pytest.raises(pytest.fail.Exception, match=r"^the test ran longer than 0\.2 seconds$"):
        run(endless)


def test_a_timeout_of_the_test_itself_is_not_the_deadline(
    run: Callable[[AsyncTest], None],
) -> None:
    async def times_out() -> None:
        raise TimeoutError("its own")

    with pytest.raises(TimeoutError, match="its own"):
        run(times_out)


def test_fails_on_a_leaked_task(run: Callable[[AsyncTest], None]) -> None:
    async def forgotten() -> None:
        await asyncio.Event().wait()

    async def leaky() -> None:
        keep.append(asyncio.create_task(forgotten()))

    keep: list[asyncio.Task[None]] = []
    with pytest.raises(pytest.fail.Exception, match=r"(?s)left behind:.*task.*forgotten"):
        run(leaky)


def test_fails_on_an_exception_that_nobody_retrieved(run: Callable[[AsyncTest], None]) -> None:
    async def breaks() -> None:
        raise LookupError("lost")

    async def leaky() -> None:
        task = asyncio.create_task(breaks())
        await asyncio.wait([task])

    with pytest.raises(pytest.fail.Exception, match=r"never retrieved.*lost"):
        run(leaky)


def test_fails_on_a_callback_that_raises(run: Callable[[AsyncTest], None]) -> None:
    def breaks() -> None:
        raise LookupError("in a callback")

    async def bad() -> None:
        asyncio.get_running_loop().call_soon(breaks)

    with pytest.raises(pytest.fail.Exception, match="in a callback"):
        run(bad)


def test_fails_on_a_socket_that_stays_open(run: Callable[[AsyncTest], None]) -> None:
    async def leaky() -> None:
        keep.append(socket.socket())

    keep: list[socket.socket] = []
    with pytest.raises(pytest.fail.Exception, match="left behind:\nsocket "):
        run(leaky)
    keep.pop().close()


def test_fails_on_a_socket_that_is_dropped(run: Callable[[AsyncTest], None]) -> None:
    async def leaky() -> None:
        socket.socket()

    with pytest.raises(pytest.fail.Exception, match="unclosed <socket"):
        run(leaky)


def test_fails_on_a_coroutine_that_was_never_awaited(run: Callable[[AsyncTest], None]) -> None:
    async def bad() -> None:
        asyncio.sleep(0)  # type: ignore[unused-coroutine]

    with pytest.raises(pytest.fail.Exception, match="was never awaited"):
        run(bad)


def test_a_raw_server_raises_what_its_handler_raised(run: Callable[[AsyncTest], None]) -> None:
    async def serve(connection: RawConnection) -> None:
        raise LookupError("in the handler")

    async def bad() -> None:
        async with raw_server(serve) as url:
            host, port = url.removeprefix("ws://").rstrip("/").split(":")
            reader, writer = await asyncio.open_connection(host, int(port))
            with contextlib.suppress(OSError):
                await reader.read()
            writer.close()
            raise AssertionError("what the client made of it")

    with pytest.raises(LookupError, match="in the handler"):
        run(bad)
