"""The faults that a script can cause, as a client sees them."""

from __future__ import annotations

import asyncio

import pytest

import wirespeed
from wirespeed.testing import ServerConnection, serve

DISCONNECTED = wirespeed.ConnectionDisconnected


@pytest.mark.parametrize(("code", "seen"), [(1000, 1000), (1012, 1012), (4321, 4321), (None, 1005)])
async def test_closing_with_a_code(code: int | None, seen: int) -> None:
    async def script(client: ServerConnection) -> None:
        await client.send("last")
        await client.close(code, "" if code is None else "why")
        assert client.close_code == seen

    async with serve(script) as url, wirespeed.connect(url) as ws:
        assert await ws.receive_text() == "last"
        with pytest.raises(DISCONNECTED) as caught:
            await ws.receive()
        assert caught.value.code == seen
        assert caught.value.reason == ("" if code is None else "why")


@pytest.mark.parametrize(
    ("arguments", "error"),
    [((1005,), "1005 must not be sent"), ((1000, "x" * 124), "124 bytes"), ((None, "x"), "needs")],
)
async def test_closing_with_what_may_not_be_sent(
    arguments: tuple[int | None, str], error: str
) -> None:
    async def script(client: ServerConnection) -> None:
        with pytest.raises(ValueError, match=error):
            await client.close(*arguments)

    async with serve(script) as url, wirespeed.connect(url) as ws:
        await ws.wait_closed()


async def test_a_reset() -> None:
    async def script(client: ServerConnection) -> None:
        await client.receive_text()
        client.reset()

    async with serve(script) as url, wirespeed.connect(url) as ws:
        await ws.send("go")
        with pytest.raises(DISCONNECTED):
            await ws.receive()
        assert ws.close_code == 1006
        assert ws.close_info is not None
        assert ws.close_info.cause is wirespeed.CloseCause.NETWORK_ERROR


async def test_the_end_without_a_close_frame() -> None:
    async def script(client: ServerConnection) -> None:
        await client.send("last")
        client.drop()

    async with serve(script) as url, wirespeed.connect(url) as ws:
        assert await ws.receive_text() == "last"
        with pytest.raises(DISCONNECTED):
            await ws.receive()
        assert ws.close_info is not None
        assert ws.close_info.cause is wirespeed.CloseCause.PEER_EOF


async def test_a_stall_until_the_test_ends() -> None:
    async def script(client: ServerConnection) -> None:
        await client.receive_text()
        await client.stall()

    async with serve(script) as url:
        async with wirespeed.connect(url, ping_interval=0.01, ping_timeout=0.05) as ws:
            await ws.send("go")
            with pytest.raises(DISCONNECTED):
                await ws.receive()
        assert ws.close_info is not None
        assert ws.close_info.cause is wirespeed.CloseCause.PING_TIMEOUT


async def test_a_client_that_is_still_there_after_a_stall() -> None:
    async def script(client: ServerConnection) -> None:
        await client.send("before")
        await client.stall()

    async with serve(script) as url:
        ws = await wirespeed.connect(url)
        assert await ws.receive_text() == "before"
    await ws.wait_closed()


async def test_nothing_is_answered_during_a_stall() -> None:
    stalled = asyncio.Event()

    async def script(client: ServerConnection) -> None:
        stalled.set()
        await client.stall(0.05)
        await client.send("over")
        assert await client.receive_text() == "end"

    async with serve(script) as url, wirespeed.connect(url) as ws:
        await stalled.wait()
        pong = await ws.ping()
        assert await ws.receive_text() == "over"
        assert await pong > 0
        await ws.send("end")


async def test_a_stall_before_the_opening_is_over() -> None:
    async def script(client: ServerConnection) -> None:
        await client.stall()

    async with serve(script, accept=False) as url:
        with pytest.raises(wirespeed.OpenTimeout) as caught:
            await wirespeed.connect(url, open_timeout=0.05)
        assert caught.value.phase == "upgrade"


async def test_a_reset_before_the_opening_is_over() -> None:
    async def script(client: ServerConnection) -> None:
        client.reset()

    async with serve(script, accept=False) as url:
        with pytest.raises(OSError):  # noqa: PT011 - the text is the system's
            await wirespeed.connect(url)


async def test_a_response_that_is_no_valid_one() -> None:
    async def script(client: ServerConnection) -> None:
        await client.write(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n")
        client.drop()

    async with serve(script, accept=False) as url:
        with pytest.raises(wirespeed.HandshakeError, match="header Connection is missing"):
            await wirespeed.connect(url)


async def test_bytes_that_break_the_protocol() -> None:
    async def script(client: ServerConnection) -> None:
        await client.write(b"\xc1\x00")
        with pytest.raises(DISCONNECTED, match="the client closed with 1002"):
            await client.receive()

    async with serve(script) as url, wirespeed.connect(url) as ws:
        with pytest.raises(wirespeed.ProtocolError, match="rsv1"):
            await ws.receive()


async def test_frames_byte_by_byte() -> None:
    async def script(client: ServerConnection) -> None:
        client.write_size = 1
        await asyncio.gather(client.send("ä" * 200), client.send(b"z" * 200), client.ping())

    async with serve(script) as url, wirespeed.connect(url) as ws:
        received = [await ws.receive() for _ in range(2)]
        assert {message.data for message in received} == {"ä" * 200, b"z" * 200}
        await ws.wait_closed()


async def test_a_client_that_does_not_read_holds_nothing_up_at_the_end() -> None:
    async def script(client: ServerConnection) -> None:
        while True:
            await client.send(bytes(1 << 20))

    async with serve(script) as url:
        ws = await wirespeed.connect(url, max_queue=1)
        assert len(await ws.receive_bytes()) == 1 << 20
    ws.abort()
    await ws.wait_closed()
