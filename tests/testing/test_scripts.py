"""What a script of `wirespeed.testing` can do, with several clients at the other end."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

import aiohttp
import pytest
import websockets

import wirespeed
from wirespeed.testing import Script, ServerConnection, refuse, serve


class Client(Protocol):
    """What the clients of these tests have in common."""

    async def send(self, message: Any) -> Any: ...
    async def recv(self) -> str | bytes: ...


@contextlib.asynccontextmanager
async def wirespeed_client(url: str) -> AsyncIterator[Client]:
    from wirespeed.compat import websockets as face

    async with face.connect(url, proxy=None) as ws:
        yield ws


@contextlib.asynccontextmanager
async def websockets_client(url: str) -> AsyncIterator[Client]:
    async with websockets.connect(url, proxy=None, compression=None) as ws:
        yield ws


class _OfAiohttp:
    def __init__(self, ws: aiohttp.ClientWebSocketResponse) -> None:
        self._ws = ws

    async def send(self, message: str | bytes) -> None:
        if isinstance(message, str):
            await self._ws.send_str(message)
        else:
            await self._ws.send_bytes(message)

    async def recv(self) -> str | bytes:
        data: str | bytes = (await self._ws.receive()).data
        return data


@contextlib.asynccontextmanager
async def aiohttp_client(url: str) -> AsyncIterator[Client]:
    async with aiohttp.ClientSession() as session, session.ws_connect(url) as ws:
        yield _OfAiohttp(ws)


CLIENTS: dict[str, Callable[[str], AbstractAsyncContextManager[Client]]] = {
    "wirespeed": wirespeed_client,
    "websockets": websockets_client,
    "aiohttp": aiohttp_client,
}
WITHOUT_A_KEY = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
MESSAGES = ["", "a", "ä" * 60, "x" * 126, "y" * 65535, "z" * 65536, b"", b"\x00" * 70_000]


async def echo(client: ServerConnection) -> None:
    async for message in client:
        await client.send(message)


@pytest.mark.parametrize("connect", CLIENTS.values(), ids=CLIENTS)
async def test_every_client_understands_it(
    connect: Callable[[str], AbstractAsyncContextManager[Client]],
) -> None:
    async with serve(echo) as url, connect(url) as ws:
        for message in MESSAGES:
            await ws.send(message)
            assert await ws.recv() == message


async def test_messages() -> None:
    async def script(client: ServerConnection) -> None:
        assert await client.receive() == wirespeed.Message(wirespeed.MessageType.TEXT, "one")
        assert await client.receive_bytes() == b"two"
        assert await client.receive_text() == "three"
        assert await client.receive_json() == {"four": 4}
        await client.send("five")
        await client.send(b"six")
        await client.send_json({"seven": 7})
        await client.send(["ei", "ght"])
        await client.send([b"ni", b"ne"])

    async with serve(script) as url, wirespeed.connect(url) as ws:
        await ws.send("one")
        await ws.send(b"two")
        await ws.send("three")
        await ws.send_json({"four": 4})
        received = [await ws.receive() for _ in range(5)]
        expected = ["five", b"six", '{"seven": 7}', "eight", b"nine"]
        assert [message.data for message in received] == expected
        await ws.wait_closed()
    assert ws.close_code == 1000
    # A frame for each fragment, and the Close frame.
    assert ws.stats.frames_received == 8


async def test_the_wrong_type_stays_queued() -> None:
    async def script(client: ServerConnection) -> None:
        with pytest.raises(wirespeed.MessageTypeError, match="is binary, text was expected"):
            await client.receive_text()
        assert await client.receive_bytes() == b"x"

    async with serve(script) as url, wirespeed.connect(url) as ws:
        await ws.send(b"x")


@pytest.mark.parametrize(
    ("message", "error"),
    [
        ({"a": 1}, "not dict; send_json"),
        (1, "not int"),
        ([], "at least one"),
        (["a", b"b"], "not bytes"),
        ([1], "not int"),
    ],
)
async def test_what_cannot_be_sent(message: Any, error: str) -> None:
    async def script(client: ServerConnection) -> None:
        with pytest.raises((TypeError, ValueError), match=error):
            await client.send(message)
        await client.send("sent")

    async with serve(script) as url, wirespeed.connect(url) as ws:
        assert await ws.receive_text() == "sent"


async def test_pings_both_ways() -> None:
    async def script(client: ServerConnection) -> None:
        await client.ping()
        await client.ping(b"payload")
        with pytest.raises(ValueError, match="126 bytes, limit is 125"):
            await client.ping(bytes(126))
        await client.send("asked")
        assert await client.receive_text() == "answered"

    async with serve(script) as url, wirespeed.connect(url) as ws:
        assert await ws.receive_text() == "asked"
        assert await (await ws.ping(b"hi")) >= 0
        await ws.send("answered")
    assert ws.stats.pings_received == 2


async def test_the_request() -> None:
    async def script(client: ServerConnection) -> None:
        assert client.request.path == "/feed?a=1"
        assert client.request.headers["x-token"] == "secret"
        assert client.request.subprotocols == ["a", "b", "c"]
        assert (client.subprotocol, client.number) == ("c", 1)

    async with serve(script, subprotocols=["d", "c", "b"]) as url:
        connecting = wirespeed.connect(
            f"{url}feed?a=1", headers={"X-Token": "secret"}, subprotocols=["a", "b", "c"]
        )
        async with connecting as ws:
            assert ws.subprotocol == "c"
            await ws.wait_closed()


async def test_each_connection_runs_the_next_script() -> None:
    def sending(text: str) -> Script:
        async def script(client: ServerConnection) -> None:
            await client.send(f"{text} {client.number}")

        return script

    seen = []
    async with serve(sending("first"), sending("later")) as url:
        for _ in range(3):
            async with wirespeed.connect(url) as ws:
                seen.append(await ws.receive_text())
    assert seen == ["first 1", "later 2", "later 3"]


async def test_refusals() -> None:
    busy = refuse(503, headers={"Retry-After": "7"}, body="busy")
    async with serve(busy, refuse(299), echo) as url:
        with pytest.raises(wirespeed.HandshakeError) as caught:
            await wirespeed.connect(url)
        assert (caught.value.status, caught.value.reason) == (503, "Service Unavailable")
        assert (caught.value.retry_after, caught.value.body) == (7, b"busy")
        with pytest.raises(wirespeed.HandshakeError) as caught:
            await wirespeed.connect(url)
        assert (caught.value.status, caught.value.reason) == (299, "")
        async with wirespeed.connect(url):
            pass


async def test_the_script_may_accept_or_refuse_itself() -> None:
    async def script(client: ServerConnection) -> None:
        if client.request.headers.get("Authorization") != "Bearer token":
            await client.refuse(401, headers=[("WWW-Authenticate", "Bearer")], body=b"no")
            return
        with pytest.raises(RuntimeError, match="not open: call accept"):
            await client.send("early")
        await client.accept(subprotocol="v2", headers={"X-Node": "a"})
        with pytest.raises(RuntimeError, match="handshake is over"):
            await client.accept()
        await client.send("welcome")

    async with serve(script, accept=False) as url:
        with pytest.raises(wirespeed.HandshakeError) as caught:
            await wirespeed.connect(url)
        assert (caught.value.status, caught.value.body) == (401, b"no")
        headers = {"Authorization": "Bearer token"}
        async with wirespeed.connect(url, headers=headers, subprotocols=["v2"]) as ws:
            assert ws.response.headers["X-Node"] == "a"
            assert await ws.receive_text() == "welcome"


@pytest.mark.parametrize(
    ("line", "header", "status"),
    [
        ("GET / HTTP/1.1", "", 426),
        ("GET / HTTP/1.1", "Upgrade: websocket\r\n", 400),
        ("GET / HTTP/1.1", "Upgrade: websocket\r\nConnection: Upgrade\r\n", 426),
        ("GET / HTTP/1.1", WITHOUT_A_KEY, 400),
        (
            "GET / HTTP/1.1",
            WITHOUT_A_KEY + "Sec-WebSocket-Key: short\r\n",
            400,
        ),
        ("POST / HTTP/1.1", "", None),
        ("nonsense", "", None),
    ],
)
async def test_a_request_that_is_no_opening_handshake(
    line: str, header: str, status: int | None
) -> None:
    async def script(client: ServerConnection) -> None:
        pytest.fail("the script ran")

    async with serve(script) as url:
        host, _, port = url.removeprefix("ws://").rstrip("/").partition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(f"{line}\r\nHost: x\r\n{header}\r\n".encode())
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()
    assert answer[9:12] == (b"" if status is None else str(status).encode())


async def test_tls(server_ssl: ssl.SSLContext, client_ssl: ssl.SSLContext) -> None:
    async with serve(echo, ssl=server_ssl) as url:
        assert url.startswith("wss://127.0.0.1:")
        async with wirespeed.connect(url, ssl=client_ssl) as ws:
            await ws.send("secret")
            assert await ws.receive_text() == "secret"


async def test_a_script_that_reads_late_gets_everything() -> None:
    sent = asyncio.Event()
    got: list[str | bytes] = []

    async def script(client: ServerConnection) -> None:
        await sent.wait()
        got.extend([message async for message in client])

    expected = [str(number) for number in range(5000)]
    async with serve(script) as url, wirespeed.connect(url) as ws:
        await ws.send_many(expected)
        sent.set()
    assert got == expected


async def test_messages_in_flight_at_the_end_of_the_block_arrive() -> None:
    got: list[str | bytes] = []

    async def script(client: ServerConnection) -> None:
        got.extend([message async for message in client])

    async with serve(script) as url:
        ws = await wirespeed.connect(url)
        await ws.send_many(["a", "b", "c"])
    assert got == ["a", "b", "c"]
    await ws.wait_closed()
    assert ws.close_code == 1001


@pytest.mark.parametrize(
    ("arguments", "options", "error"),
    [
        ((), {}, "at least one script"),
        (("text",), {}, "script must be callable, not str"),
        ((echo,), {"timeout": 0}, "timeout must be over 0 seconds"),
        ((echo,), {"accept": 1}, "accept must be True or False"),
        ((echo,), {"subprotocols": "abc"}, "subprotocols must be a sequence"),
    ],
)
def test_arguments(arguments: tuple[Any, ...], options: dict[str, Any], error: str) -> None:
    with pytest.raises((TypeError, ValueError), match=error):
        serve(*arguments, **options)


def test_the_status_of_a_refusal() -> None:
    with pytest.raises(ValueError, match="must be 200 to 599, not 101"):
        refuse(101)


async def test_for_one_block_only() -> None:
    serving = serve(echo)
    async with serving:
        pass
    with pytest.raises(RuntimeError, match="one block only"):
        async with serving:
            pass
