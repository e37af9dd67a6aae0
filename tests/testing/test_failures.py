"""What a script raises reaches the test, and what is no failure does not."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

import wirespeed
from wirespeed.testing import ServerConnection, serve


async def expects_yes(client: ServerConnection) -> None:
    text = await client.receive_text()
    assert text == "yes"


async def echo(client: ServerConnection) -> None:
    async for message in client:
        await client.send(message)


async def test_a_failed_assertion_cancels_a_body_that_would_hang() -> None:
    with pytest.raises(AssertionError) as caught:
        async with serve(expects_yes) as url, wirespeed.connect(url) as ws:
            await ws.send("no")
            await asyncio.Event().wait()
    assert caught.value.__notes__ == ["raised by the script of connection 1"]
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0
    await asyncio.sleep(0)


async def test_it_takes_the_place_of_what_it_caused() -> None:
    with pytest.raises(AssertionError) as caught:
        async with serve(expects_yes) as url, wirespeed.connect(url) as ws:
            await ws.send("no")
            try:
                await ws.receive()
            except (asyncio.CancelledError, wirespeed.ConnectionDisconnected):
                raise ValueError("the program's own error") from None
    assert isinstance(caught.value.__cause__, ValueError)


async def test_it_reaches_a_test_whose_body_has_ended() -> None:
    async with contextlib.AsyncExitStack() as stack:
        with pytest.raises(AssertionError):
            async with serve(expects_yes) as url:
                ws = await stack.enter_async_context(wirespeed.connect(url))
                await ws.send("no")


async def test_pytest_fail_in_a_script() -> None:
    async def script(client: ServerConnection) -> None:
        pytest.fail("not like this")

    with pytest.raises(pytest.fail.Exception, match="not like this"):
        async with serve(script) as url, wirespeed.connect(url):
            await asyncio.Event().wait()


async def test_several_failures_are_a_group() -> None:
    both = asyncio.Barrier(2)

    async def script(client: ServerConnection) -> None:
        await both.wait()
        raise ValueError(str(client.number))

    with pytest.raises(ExceptionGroup, match="2 scripts failed") as caught:
        async with serve(script) as url, wirespeed.connect(url), wirespeed.connect(url):
            await asyncio.Event().wait()
    assert sorted(str(failure) for failure in caught.value.exceptions) == ["1", "2"]


async def test_an_error_of_the_body_is_raised_unchanged() -> None:
    with pytest.raises(ZeroDivisionError) as caught:
        async with serve(expects_yes) as url, wirespeed.connect(url):
            raise ZeroDivisionError
    assert caught.value.__cause__ is None


async def test_an_error_that_a_program_tidies_up_after_is_kept() -> None:
    with pytest.raises(wirespeed.ConnectionDisconnected) as caught:
        async with serve(expects_yes) as url:
            ws = await wirespeed.connect(url)
            try:
                raise ZeroDivisionError
            finally:
                await ws.close()
                await asyncio.Event().wait()
    assert isinstance(caught.value.__cause__, ZeroDivisionError)


async def test_a_cancelled_body_stays_cancelled() -> None:
    waiting = asyncio.Event()

    async def body() -> None:
        async with serve(echo) as url, wirespeed.connect(url):
            waiting.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(body())
    await waiting.wait()
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()


async def test_a_client_that_closes_too_early() -> None:
    error = "the client closed with 1000 while the script waited for a message"
    with pytest.raises(wirespeed.ConnectionDisconnected, match=error):
        async with serve(expects_yes) as url, wirespeed.connect(url):
            pass


async def test_a_client_that_vanishes() -> None:
    error = "ended the connection without a Close frame while the script waited"
    with pytest.raises(wirespeed.ConnectionDisconnected, match=error):
        async with serve(echo) as url:
            ws = await wirespeed.connect(url)
            ws.abort()


async def test_a_message_that_the_test_never_sends() -> None:
    error = "the test ended while the script waited for a message"
    async with contextlib.AsyncExitStack() as stack:
        with pytest.raises(wirespeed.ConnectionDisconnected, match=error):
            async with serve(expects_yes) as url:
                await stack.enter_async_context(wirespeed.connect(url))


async def test_a_message_that_does_not_come_in_time() -> None:
    with pytest.raises(wirespeed.ReadTimeout, match=r"no message within 0\.02 seconds"):
        async with serve(expects_yes, timeout=0.02) as url, wirespeed.connect(url):
            await asyncio.Event().wait()


async def test_sending_to_a_client_that_is_gone_only_ends_the_script() -> None:
    ended: list[int | None] = []

    async def feed(client: ServerConnection) -> None:
        try:
            while True:
                await client.send("tick")
                await asyncio.sleep(0)
        finally:
            ended.append(client.close_code)

    async with serve(feed) as url, wirespeed.connect(url) as ws:
        assert await ws.receive_text() == "tick"
    assert ended == [1000]


async def test_sending_after_its_own_close_is_a_fault_of_the_script() -> None:
    async def script(client: ServerConnection) -> None:
        closing = asyncio.create_task(client.close())
        await asyncio.sleep(0)
        with pytest.raises(wirespeed.ConnectionDisconnected, match="the script has closed"):
            await client.send("late")
        await closing

    async with serve(script) as url, wirespeed.connect(url) as ws:
        await ws.wait_closed()


async def test_a_script_that_does_not_end() -> None:
    async def script(client: ServerConnection) -> None:
        await asyncio.Event().wait()

    error = r"connection 1 still runs 0\.1 seconds after the test ended, at .*test_failures\.py:\d+"
    with pytest.raises(TimeoutError, match=error):
        async with serve(script, timeout=0.1) as url, wirespeed.connect(url):
            pass


async def test_a_client_that_breaks_the_protocol() -> None:
    with pytest.raises(wirespeed.ProtocolError, match="frame from the client is not masked"):
        async with serve(echo) as url:
            host, _, port = url.removeprefix("ws://").rstrip("/").partition(":")
            reader, writer = await asyncio.open_connection(host, int(port))
            try:
                writer.write(
                    b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: "
                    b"dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
                )
                head = await reader.readuntil(b"\r\n\r\n")
                # The example of RFC 6455 section 1.3.
                assert b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n" in head
                writer.write(b"\x81\x02hi")
                await asyncio.Event().wait()
            finally:
                writer.close()
                await writer.wait_closed()


async def test_a_client_that_connects_again_after_the_end_is_refused() -> None:
    ended = asyncio.Event()

    async def program(url: str) -> None:
        with contextlib.suppress(OSError):
            while True:
                async with wirespeed.connect(url) as ws:
                    async for _ in ws:
                        started.set()
        ended.set()

    async def script(client: ServerConnection) -> None:
        await client.send("hello")
        async for _ in client:
            pass

    started = asyncio.Event()
    async with serve(script) as url:
        task = asyncio.create_task(program(url))
        await started.wait()
    await ended.wait()
    await task
