"""Opening handshakes that fail: each a clear error in time, with nothing left behind.

No name server is needed: addresses are numbers, and the system chooses the ports.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from ends import close_frame, collect, text_frame, turns
from rawserver import RawConnection, accept_value, raw_server

import wirespeed
from wirespeed import HandshakeError, InvalidURL, OpenTimeout

pytestmark = pytest.mark.usefixtures("transports")

STATUS_LINE = "HTTP/1.1 101 Switching Protocols\r\n"
UPGRADE = f"{STATUS_LINE}Upgrade: websocket\r\nConnection: Upgrade\r\n"
GOOD_HEADERS = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: <accept>\r\n"


def answer(response: str | bytes) -> Callable[[RawConnection], Awaitable[None]]:
    """Make a handler that answers the request with `response` and ends the stream."""

    async def handle(connection: RawConnection) -> None:
        upgrade = await connection.read_upgrade()
        accept = accept_value(upgrade.headers["sec-websocket-key"])
        data = response.replace("<accept>", accept) if isinstance(response, str) else response
        await connection.write(data.encode() if isinstance(data, str) else data)

    return handle


async def refused(response: str | bytes, **options: Any) -> HandshakeError:
    """Return the error of a connection attempt that is answered with `response`."""
    async with raw_server(answer(response)) as url:
        with pytest.raises(HandshakeError) as caught:
            await wirespeed.connect(url, **options)
        assert not isinstance(caught.value, OpenTimeout)
        assert isinstance(caught.value, ConnectionError)
        return caught.value


@pytest.mark.parametrize(
    ("response", "status", "reason", "body"),
    [
        ("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno", 403, "Forbidden", b"no"),
        ("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno...", 403, "Forbidden", b"no"),
        ("HTTP/1.1 401 \r\nContent-Length: 0\r\n\r\n", 401, "", b""),
        ("HTTP/1.1 500 Oh no\r\n\r\nuntil the end", 500, "Oh no", b"until the end"),
        ("HTTP/1.0 503 Busy\r\n\r\nlater", 503, "Busy", b"later"),
        (
            "HTTP/1.1 429 Slow\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n",
            429,
            "Slow",
            b"abc",
        ),
        ("HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n", 302, "Found", b""),
        ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", 200, "OK", b"hello"),
        ("HTTP/1.1 204 No Content\r\n\r\n", 204, "No Content", b""),
        ("HTTP/1.1 999 ?\r\nContent-Length: 0\r\n\r\n", 999, "?", b""),
        ("HTTP/1.1 403 Cut\r\nContent-Length: 9\r\n\r\nfour", 403, "Cut", b"four"),
    ],
)
async def test_refusal(response: str, status: int, reason: str, body: bytes) -> None:
    error = await refused(response)
    assert (error.status, error.reason, error.body) == (status, reason, body)
    assert str(status) in str(error)


async def test_headers_of_a_refusal() -> None:
    error = await refused("HTTP/1.1 403 No\r\nX-Why: Because\r\nContent-Length: 0\r\n\r\n")
    assert error.headers["x-why"] == "Because"


async def test_a_long_body_is_cut_off() -> None:
    body = "x" * 200_000
    error = await refused(f"HTTP/1.1 403 No\r\nContent-Length: {len(body)}\r\n\r\n{body}")
    assert error.body == b"x" * 65536


@pytest.mark.parametrize(
    "response",
    [
        "",
        "HTTP/1.1",
        "\r\n\r\n",
        "garbage\r\n\r\n",
        b"\x00" * 1000,
        b"\xff" * 100_000,
        b"\x15\x03\x01\x00\x02\x02\x16",
        b"\x81\x05hello",
        "SSH-2.0-OpenSSH_9.6\r\n",
        "HTTP/1.1 1o1 Switching Protocols\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nno colon\r\n\r\n",
        f"{UPGRADE}Sec-WebSocket-Accept: <accept>\r\n",
        f"HTTP/1.1 403 No\r\nX-Long: {'x' * 100_000}\r\n\r\n",
    ],
    ids=lambda value: repr(value[:24]),
)
async def test_garbage(response: str | bytes) -> None:
    error = await refused(response)
    assert error.status in {None, 101, 403}
    assert error.body == b""


@pytest.mark.parametrize(
    "headers",
    [
        "Upgrade: websocket\r\nConnection: Upgrade\r\n",
        "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: \r\n",
        "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: czNwUExNQmlUeGE=\r\n",
        "Connection: Upgrade\r\nSec-WebSocket-Accept: <accept>\r\n",
        "Upgrade: h2c\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: <accept>\r\n",
        "Upgrade: websocket\r\nSec-WebSocket-Accept: <accept>\r\n",
        "Upgrade: websocket\r\nConnection: close\r\nSec-WebSocket-Accept: <accept>\r\n",
        f"{GOOD_HEADERS}Sec-WebSocket-Protocol: not-offered\r\n",
        f"{GOOD_HEADERS}Sec-WebSocket-Extensions: permessage-deflate\r\n",
    ],
    ids=[
        "no accept",
        "empty accept",
        "wrong accept",
        "no upgrade",
        "other upgrade",
        "no connection",
        "other connection",
        "subprotocol",
        "extension",
    ],
)
async def test_upgrade_that_is_none(headers: str) -> None:
    error = await refused(f"{STATUS_LINE}{headers}\r\n")
    assert error.status == 101
    assert "6455" in str(error)


async def test_a_subprotocol_that_was_not_offered() -> None:
    error = await refused(
        f"{UPGRADE}Sec-WebSocket-Accept: <accept>\r\nSec-WebSocket-Protocol: c\r\n\r\n",
        subprotocols=["a", "b"],
    )
    assert error.status == 101


async def test_the_connection_header_is_a_list() -> None:
    async def serve(connection: RawConnection) -> None:
        upgrade = await connection.read_upgrade()
        await connection.write(
            b"HTTP/1.1 101 \r\nupgrade: WebSocket\r\nconnection: keep-alive, uPGRADE\r\n"
            b"sec-websocket-accept: "
            + accept_value(upgrade.headers["sec-websocket-key"]).encode()
            + b"\r\n\r\n"
        )
        await connection.close_politely()

    async with raw_server(serve) as url, wirespeed.connect(url) as connection:
        assert await collect(connection) == []


async def test_interim_responses_are_passed_over() -> None:
    async def serve(connection: RawConnection) -> None:
        await connection.write(b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n")
        await connection.accept()
        await connection.close_politely()

    async with raw_server(serve) as url, wirespeed.connect(url) as connection:
        assert connection.response.status == 101
        assert await collect(connection) == []


@pytest.mark.parametrize("step", [1, 7, 1000])
async def test_a_response_in_pieces_with_frames_behind_it(step: int) -> None:
    async def serve(connection: RawConnection) -> None:
        upgrade = await connection.read_upgrade()
        accept = accept_value(upgrade.headers["sec-websocket-key"])
        data = f"{UPGRADE}Sec-WebSocket-Accept: {accept}\r\n\r\n".encode()
        data += text_frame("first") + text_frame("second") + close_frame()
        for start in range(0, len(data), step):
            await connection.write(data[start : start + step])
            await turns()
        assert await connection.expect_close() == (1000, "")

    async with raw_server(serve) as url, wirespeed.connect(url) as connection:
        assert await collect(connection) == ["first", "second"]


async def test_a_server_that_resets_instead_of_answering() -> None:
    async def serve(connection: RawConnection) -> None:
        await connection.read_upgrade()
        connection.reset()

    async with raw_server(serve) as url:
        with pytest.raises((HandshakeError, ConnectionResetError)):
            await wirespeed.connect(url)


async def wait_for_the_end(connection: RawConnection) -> None:
    """Never answer. The client must give up and end the stream."""
    await connection.read_rest()


async def test_a_server_that_never_answers() -> None:
    async with raw_server(wait_for_the_end) as url:
        with pytest.raises(OpenTimeout) as caught:
            await wirespeed.connect(url, open_timeout=0.05)
        assert isinstance(caught.value, TimeoutError)
        assert isinstance(caught.value, HandshakeError)
        assert caught.value.status is None


async def test_a_server_that_stops_inside_the_head() -> None:
    async def serve(connection: RawConnection) -> None:
        await connection.read_upgrade()
        await connection.write(UPGRADE.encode())
        await connection.read_rest()

    async with raw_server(serve) as url:
        with pytest.raises(OpenTimeout):
            await wirespeed.connect(url, open_timeout=0.05)


async def test_a_server_that_never_speaks_tls(client_ssl: ssl.SSLContext) -> None:
    async with raw_server(wait_for_the_end) as url:
        with pytest.raises(OpenTimeout):
            await wirespeed.connect(url.replace("ws:", "wss:"), ssl=client_ssl, open_timeout=0.05)


async def test_a_plain_server_behind_wss(client_ssl: ssl.SSLContext) -> None:
    async def serve(connection: RawConnection) -> None:
        await connection.reader.read(1)
        await connection.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
        await connection.read_rest()

    async with raw_server(serve) as url:
        with pytest.raises(ssl.SSLError):
            await wirespeed.connect(url.replace("ws:", "wss:"), ssl=client_ssl)


@pytest.mark.parametrize("early", [b"HTTP/1.1 101 Switching Protocols\r\n\r\n", b"garbage\r\n\r\n"])
async def test_a_server_that_answers_before_it_is_asked(
    early: bytes, server_ssl: ssl.SSLContext, client_ssl: ssl.SSLContext
) -> None:
    async def serve(connection: RawConnection) -> None:
        await connection.write(early)
        await connection.read_rest()

    for context in (None, client_ssl):
        async with raw_server(serve, ssl=None if context is None else server_ssl) as url:
            with pytest.raises(HandshakeError):
                await wirespeed.connect(url, ssl=context)


async def test_nobody_listens() -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        port = bound.getsockname()[1]
        with pytest.raises(ConnectionRefusedError):
            await wirespeed.connect(f"ws://127.0.0.1:{port}/")
        with pytest.raises(OSError, match=r"refused|Connect call failed"):
            async with wirespeed.connect(f"ws://127.0.0.1:{port}/"):
                raise AssertionError("it is open")


@pytest.mark.parametrize("steps", [*range(12), 50])
async def test_cancelling_leaves_nothing(
    steps: int, server_ssl: ssl.SSLContext, client_ssl: ssl.SSLContext
) -> None:
    async def serve(connection: RawConnection) -> None:
        # If the client gives up with data unread, its socket is reset.
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionResetError):
            await connection.read_upgrade()
            await connection.read_rest()

    for context in (None, client_ssl):
        server_context = None if context is None else server_ssl
        async with raw_server(serve, ssl=server_context, connections=0) as url:
            opening = asyncio.ensure_future(_open(url, context))
            await turns(steps)
            opening.cancel()
            with pytest.raises(asyncio.CancelledError):
                await opening


async def _open(url: str, context: ssl.SSLContext | None) -> None:
    await wirespeed.connect(url, ssl=context)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"url": None}, TypeError),
        ({"url": 5}, TypeError),
        ({"url": b"ws://127.0.0.1/"}, TypeError),
        ({"url": ""}, InvalidURL),
        ({"url": "127.0.0.1"}, InvalidURL),
        ({"url": "ftp://127.0.0.1/"}, InvalidURL),
        ({"url": "ws:///path"}, InvalidURL),
        ({"url": "ws://127.0.0.1:99999/"}, InvalidURL),
        ({"url": "ws://127.0.0.1/#fragment"}, InvalidURL),
        ({"headers": 5}, TypeError),
        ({"headers": {"X": 5}}, TypeError),
        ({"headers": [("X",)]}, (TypeError, ValueError)),
        ({"headers": {"X": "a\r\nY: b"}}, ValueError),
        ({"headers": {"Sec-WebSocket-Key": "x"}}, ValueError),
        ({"subprotocols": "chat"}, TypeError),
        ({"subprotocols": [5]}, TypeError),
        ({"subprotocols": ["a", "a"]}, ValueError),
        ({"subprotocols": ["a b"]}, ValueError),
        ({"ssl": "yes"}, TypeError),
        ({"ssl": 0}, TypeError),
        ({"ssl": True}, ValueError),
        ({"open_timeout": "5"}, TypeError),
        ({"close_timeout": "5"}, TypeError),
        ({"max_message_size": "5"}, TypeError),
        ({"max_message_size": -1}, ValueError),
        ({"max_queue": "5"}, TypeError),
        ({"max_queue": -1}, ValueError),
        ({"max_queue_bytes": 1.5}, TypeError),
        ({"max_queue_bytes": -1}, ValueError),
        ({"loads": 5}, TypeError),
        ({"dumps": None}, TypeError),
        ({"server_hostname": 5}, TypeError),
    ],
    ids=repr,
)
async def test_wrong_arguments(
    arguments: dict[str, Any], error: type[Exception] | tuple[type[Exception], ...]
) -> None:
    async def never_called(connection: RawConnection) -> None:
        raise AssertionError("a connection was opened")

    async with raw_server(never_called, connections=0) as url:
        with pytest.raises(error):
            await wirespeed.connect(**{"url": url, **arguments})
        with pytest.raises(error):
            async with wirespeed.connect(**{"url": url, **arguments}):
                pass


async def test_credentials_are_in_no_error() -> None:
    async with raw_server(answer("HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n")) as url:
        with pytest.raises(HandshakeError) as caught:
            await wirespeed.connect(
                url.replace("ws://", "ws://user:pa55word@"),
                headers={"Cookie": "session=pa55word"},
            )
    assert "pa55word" not in f"{caught.value!r} {caught.value}"
