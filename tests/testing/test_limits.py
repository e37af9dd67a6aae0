"""The limits of a server whose clients are not those of a test."""

from __future__ import annotations

import asyncio

import pytest

import wirespeed
from wirespeed.testing import ServerConnection
from wirespeed.testing._limits import Limits
from wirespeed.testing._server import Script, Server


def server(script: Script, limits: Limits) -> Server:
    return Server(
        (script,), timeout=10, accept=True, subprotocols=(), ssl=None, port=0, limits=limits
    )


async def never(client: ServerConnection) -> None:
    raise AssertionError("there should be no connection")


async def test_a_client_that_sends_no_request() -> None:
    async with server(never, Limits(request_seconds=0.05)) as url:
        host, _, port = url.removeprefix("ws://").removesuffix("/").partition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"GET / HTTP/1.1\r\n")
        assert await reader.read() == b""
        writer.close()
        await writer.wait_closed()


async def test_further_connections_are_refused_until_there_is_room() -> None:
    async def script(client: ServerConnection) -> None:
        async for _ in client:
            pass

    async with server(script, Limits(connections=1)) as url:
        async with wirespeed.connect(url):
            with pytest.raises(wirespeed.HandshakeError) as caught:
                await wirespeed.connect(url)
            assert caught.value.status == 503
        # The server's part of the end may take a moment longer than the client's.
        async for ws in wirespeed.connect(url, reconnect=wirespeed.Reconnect(initial=0.01)):
            await ws.close()
            break


async def test_a_message_may_be_so_large_and_no_larger() -> None:
    async def script(client: ServerConnection) -> None:
        assert await client.receive_bytes() == bytes(1000)
        with pytest.raises(wirespeed.ProtocolError, match="limit is 1000"):
            await client.receive()

    async with server(script, Limits(message_bytes=1000)) as url:
        async with wirespeed.connect(url) as ws:
            await ws.send(bytes(1000))
            await ws.send(bytes(1001))
            await ws.wait_closed()
        assert ws.close_code == 1009


async def test_so_many_bytes_wait_and_none_is_lost() -> None:
    async def script(client: ServerConnection) -> None:
        while not limits.reached_by(client._messages):
            await client._wait_for_news()
        total = 0
        while total < 64 << 20:
            # One read of the socket may exceed the limit.
            assert sum(map(len, client._messages)) <= 300_000
            total += len(await client.receive_bytes())

    limits = Limits(queue_bytes=100_000)
    async with server(script, limits) as url, wirespeed.connect(url) as ws:
        await ws.send_many([bytes(65536)] * 1024)
        await ws.wait_closed()


async def test_pongs_that_nobody_asked_for_are_forgotten() -> None:
    async def script(client: ServerConnection) -> None:
        await client.receive()
        assert not client._unanswered
        await client.ping(b"x")
        assert not client._unanswered

    async with server(script, Limits()) as url, wirespeed.connect(url) as ws:
        transport = ws._transport
        assert transport is not None
        for number in range(100):
            transport.write(b"\x8a\x82" + bytes(4) + number.to_bytes(2, "big"))
        await ws.send("now")
        await ws.wait_closed()
