"""Proxies that refuse, stall, send nonsense or vanish, byte by byte.

No working proxy is needed: no connection gets as far as a server.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import ssl
from collections.abc import Awaitable, Callable

import pytest
from ends import Tls
from proxies import PASSWORD, USER
from rawserver import TEXT, RawConnection, Upgrade, accept_response, parse_upgrade, raw_server
from reference import frame

import wirespeed
from wirespeed._network.http_connect import Tunnel

SERVER = "ws://server.example:8080/"
OPEN = b"HTTP/1.1 200 Connection established\r\n\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
SOCKS5_OPEN = b"\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x00"
REQUIRED = (
    b"HTTP/1.1 407 Proxy Authentication Required\r\n"
    b'Proxy-Authenticate: Basic realm="here"\r\nContent-Length: 9\r\n\r\nwho there'
)

# The transports of wirespeed and `aiofastnet`, and those of the event loop.
BOTH = pytest.mark.usefixtures("transports")


def proxy_at(url: str, scheme: str = "http", userinfo: str = "") -> str:
    """Return a proxy URL for the URL of a raw server."""
    return f"{scheme}://{userinfo}{url.partition('//')[2].rstrip('/')}"


def answering(*parts: bytes, stay: bool = False) -> Callable[[RawConnection], Awaitable[None]]:
    """Return a handler that reads a CONNECT, writes the parts, and ends the stream or stays."""

    async def handle(connection: RawConnection) -> None:
        await connection.read_upgrade()
        for part in parts:
            await connection.write(part)
            await asyncio.sleep(0)
        if stay:
            await connection.read_rest()

    return handle


async def refused(
    handler: Callable[[RawConnection], Awaitable[None]], tls: Tls, **options: object
) -> wirespeed.ProxyError:
    """Connect through a proxy that cannot be used; return the error."""
    scheme = "http" if tls.server is None else "https"
    async with raw_server(handler, ssl=tls.server) as url:
        with pytest.raises(wirespeed.ProxyError) as caught:
            await wirespeed.connect(
                SERVER,
                proxy=proxy_at(url, scheme, f"{USER}:{PASSWORD}@"),
                proxy_ssl=tls.client,
                **options,  # type: ignore[arg-type]
            )
    assert PASSWORD not in str(caught.value)
    assert PASSWORD not in repr(caught.value)
    return caught.value


async def test_the_request(tls: Tls) -> None:
    heads: list[Upgrade] = []

    async def handle(connection: RawConnection) -> None:
        heads.append(await connection.read_upgrade())
        await connection.write(REQUIRED)

    await refused(handle, tls)
    credentials = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    assert heads[0].line == "CONNECT server.example:8080 HTTP/1.1"
    assert heads[0].headers == {
        "host": "server.example:8080",
        "user-agent": f"wirespeed/{wirespeed.__version__}",
        "proxy-authorization": f"Basic {credentials}",
    }


async def test_a_redirect_by_the_proxy_is_a_refusal(tls: Tls) -> None:
    async def fail(connection: RawConnection) -> None:
        raise AssertionError("the client went where the proxy sent it")

    async with raw_server(fail, connections=0) as elsewhere:
        head = f"HTTP/1.1 302 Found\r\nLocation: {elsewhere}\r\nContent-Length: 0\r\n\r\n"
        error = await refused(answering(head.encode()), tls)
    assert (error.status, error.history) == (302, ())


@BOTH
async def test_a_refusal_is_told_whole(tls: Tls) -> None:
    error = await refused(answering(REQUIRED), tls)
    assert str(error) == "proxy refused to connect to the server: 407 Proxy Authentication Required"
    assert (error.status, error.reason) == (407, "Proxy Authentication Required")
    assert error.headers["proxy-authenticate"] == 'Basic realm="here"'
    assert error.body == b"who there"


async def test_a_refusal_without_an_end(tls: Tls, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wirespeed._network.proxy._BODY_SECONDS", 0.01)
    error = await refused(answering(b"HTTP/1.1 502 Bad Gateway\r\n\r\nso", stay=True), tls)
    assert error.status == 502


async def test_a_refusal_whose_body_is_later_than_the_deadline(tls: Tls) -> None:
    head = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 10\r\n\r\nso"
    error = await refused(answering(head, stay=True), tls, open_timeout=0.5)
    assert (error.status, error.body) == (502, b"so")


async def test_a_cancelled_opening_is_not_a_refusal(tls: Tls) -> None:
    answered = asyncio.Event()

    async def handle(connection: RawConnection) -> None:
        await connection.read_upgrade()
        await connection.write(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 10\r\n\r\nso")
        answered.set()
        await connection.read_rest()

    scheme = "http" if tls.server is None else "https"
    async with raw_server(handle, ssl=tls.server) as url:
        proxy = proxy_at(url, scheme)
        opening = asyncio.ensure_future(
            wirespeed.connect(SERVER, proxy=proxy, proxy_ssl=tls.client)
        )
        await answered.wait()
        opening.cancel()
        with pytest.raises(asyncio.CancelledError):
            await opening


async def test_a_refusal_with_an_endless_body(tls: Tls) -> None:
    async def handle(connection: RawConnection) -> None:
        await connection.read_upgrade()
        await connection.write(b"HTTP/1.1 502 Bad Gateway\r\n\r\n" + b"x" * 200_000)
        await connection.read_rest()

    error = await refused(handle, tls)
    assert error.body == b"x" * 65536


NONSENSE = {
    "garbage": (b"\x00\x01garbage", "did not answer in HTTP"),
    "another protocol": (b"SSH-2.0-OpenSSH_9.6\r\n", "did not answer in HTTP"),
    "nothing": (b"", "closed the connection without a response"),
    "half a head": (b"HTTP/1.1 200 OK\r\nA: b\r\n", "closed the connection without a response"),
    "no status": (b"HTTP/1.1 OK\r\n\r\n", "breaks the rules of HTTP/1.1"),
    "a secret in a bad header": (
        b"HTTP/1.1 200 OK\r\n" + PASSWORD.encode() + b"\x00\r\n\r\n",
        "breaks the rules of HTTP/1.1",
    ),
    "too long a head": (b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 30_000, "breaks the rules"),
    "upgrade": (b"HTTP/1.1 101 Switching Protocols\r\n\r\n", "breaks the rules of HTTP/1.1"),
    "interim responses": (b"HTTP/1.1 100 Continue\r\n\r\n" * 17, "more than 16 interim"),
    "more than asked for": (OPEN + b"\x16\x03", "sent data behind its response"),
}


@pytest.mark.parametrize("name", NONSENSE)
async def test_nonsense(name: str, tls: Tls) -> None:
    wire, text = NONSENSE[name]
    error = await refused(answering(wire), tls)
    assert text in str(error)


@BOTH
async def test_an_answer_in_pieces(tls: Tls) -> None:
    """A head that arrives byte by byte is kept apart from what the server sends after it."""

    async def handle(connection: RawConnection) -> None:
        await connection.read_upgrade()
        for position in range(len(OPEN)):
            await connection.write(OPEN[position : position + 1])
            await asyncio.sleep(0)
        upgrade = parse_upgrade(await connection.reader.readuntil(b"\r\n\r\n"))
        await connection.write(accept_response(upgrade) + b"\x81\x02hi")
        await connection.close_politely()

    scheme = "http" if tls.server is None else "https"
    async with raw_server(handle, ssl=tls.server) as url:
        ws = await wirespeed.connect(SERVER, proxy=proxy_at(url, scheme), proxy_ssl=tls.client)
        assert await ws.receive_text() == "hi"
        await ws.close()


async def test_a_reset(tls: Tls) -> None:
    async def handle(connection: RawConnection) -> None:
        await connection.read_upgrade()
        connection.reset()

    error = await refused(handle, tls)
    assert error.status is None


async def stall(connection: RawConnection) -> None:
    await connection.read_rest()


@BOTH
@pytest.mark.parametrize("scheme", ["http", "https", "socks4a", "socks5h"])
async def test_a_proxy_that_stalls(scheme: str, client_ssl: ssl.SSLContext) -> None:
    # The https proxy stalls in the TLS handshake.
    async with raw_server(stall) as url:
        with pytest.raises(wirespeed.OpenTimeout):
            await wirespeed.connect(
                SERVER,
                proxy=proxy_at(url, scheme),
                proxy_ssl=client_ssl if scheme == "https" else None,
                open_timeout=0.1,
            )


async def test_a_stall_is_told_to_be_the_proxy() -> None:
    async with raw_server(stall) as url:
        with pytest.raises(wirespeed.OpenTimeout) as caught:
            await wirespeed.connect(SERVER, proxy=proxy_at(url), open_timeout=1.0)
    assert caught.value.phase == "proxy"


@BOTH
async def test_stalls_after_the_tls_handshake(
    server_ssl: ssl.SSLContext, client_ssl: ssl.SSLContext
) -> None:
    async with raw_server(answering(b"HTTP/1.1 2", stay=True), ssl=server_ssl) as url:
        with pytest.raises(wirespeed.OpenTimeout):
            await wirespeed.connect(
                SERVER, proxy=proxy_at(url, "https"), proxy_ssl=client_ssl, open_timeout=1.0
            )


@BOTH
async def test_stalls_in_the_inner_tls_handshake(tls: Tls, client_ssl: ssl.SSLContext) -> None:
    scheme = "http" if tls.server is None else "https"
    async with raw_server(answering(OPEN, stay=True), ssl=tls.server) as url:
        with pytest.raises(wirespeed.OpenTimeout):
            await wirespeed.connect(
                SERVER.replace("ws:", "wss:"),
                ssl=client_ssl,
                proxy=proxy_at(url, scheme),
                proxy_ssl=tls.client,
                open_timeout=1.0,
            )


SOCKS_REFUSALS = {
    "no method": ("socks5h", [b"\x05\xff"], "authentication"),
    "method that was not offered": ("socks5h", [b"\x05\x01"], "authentication"),
    "not SOCKS5": ("socks5h", [b"HTTP/1.1 400 Bad Request\r\n"], "version"),
    "wrong password": ("socks5h", [b"\x05\x02", b"\x01\x01"], "authentication failure"),
    "forbidden": ("socks5h", [b"\x05\x00", b"\x05\x02\x00"], "(reply 2)"),
    "refused": ("socks5h", [b"\x05\x00", b"\x05\x05\x00"], "(reply 5)"),
    "unknown reply": ("socks5h", [b"\x05\x00", b"\x05\xee\x00"], "reply code"),
    "unknown address": ("socks5h", [b"\x05\x00", b"\x05\x00\x00\x09"], "address type"),
    "name that is no text": (
        "socks5h",
        [b"\x05\x00", b"\x05\x00\x00\x03\x01\xff\x00\x00"],
        "SOCKS proxy failed",
    ),
    "closed": ("socks5h", [], "closed"),
    "closed inside": ("socks5h", [b"\x05\x00", b"\x05\x00\x00\x01\x7f"], "closed"),
    "rejected": ("socks4a", [b"\x00\x5b" + bytes(6)], "(reply 91)"),
    "identd": ("socks4a", [b"\x00\x5d" + bytes(6)], "(reply 93)"),
    "not SOCKS4": ("socks4a", [b"HTTP/1.1 400"], "version"),
}


@pytest.mark.parametrize("name", SOCKS_REFUSALS)
async def test_socks_refusals(name: str) -> None:
    scheme, parts, text = SOCKS_REFUSALS[name]

    async def handle(connection: RawConnection) -> None:
        for part in parts:
            await connection.reader.read(1000)
            await connection.write(part)
        # A reset would overtake the written data.
        connection.writer.write_eof()
        await connection.read_rest()

    async with raw_server(handle) as url:
        with pytest.raises(wirespeed.ProxyError) as caught:
            await wirespeed.connect(SERVER, proxy=proxy_at(url, scheme, f"{USER}:{PASSWORD}@"))
    assert text in str(caught.value)
    assert PASSWORD not in str(caught.value)
    assert caught.value.status is None


async def socks5(connection: RawConnection, step: asyncio.Queue[str]) -> None:
    assert await connection.reader.readexactly(4) == b"\x05\x02\x00\x02"
    step.put_nowait("methods")
    await connection.write(b"\x05\x02")
    await connection.reader.readexactly(3 + len(USER + PASSWORD))
    step.put_nowait("password")
    await connection.write(b"\x01\x00")
    await connection.reader.readexactly(7 + len("server.example"))
    step.put_nowait("connect")
    await connection.write(SOCKS5_OPEN)


async def http(connection: RawConnection, step: asyncio.Queue[str]) -> None:
    await connection.read_upgrade()
    step.put_nowait("connect")
    await connection.write(OPEN[:12])
    step.put_nowait("half the head")
    await connection.write(OPEN[12:])


# The opening is cancelled when the proxy has just taken this step.
STEPS = [
    *(("http", step) for step in ("accepted", "connect", "half the head", "request")),
    *(("https", step) for step in ("accepted", "connect", "half the head", "request")),
    *(("socks5h", step) for step in ("accepted", "methods", "password", "connect", "request")),
]


@BOTH
@pytest.mark.parametrize("secure", [False, True], ids=["ws", "wss"])
@pytest.mark.parametrize(("scheme", "last"), STEPS)
async def test_cancelled_at_every_step(
    scheme: str,
    last: str,
    secure: bool,
    server_ssl: ssl.SSLContext,
    client_ssl: ssl.SSLContext,
) -> None:
    step: asyncio.Queue[str] = asyncio.Queue()

    async def handle(connection: RawConnection) -> None:
        step.put_nowait("accepted")
        await (socks5 if scheme == "socks5h" else http)(connection, step)
        # The first byte through the tunnel, of TLS or of the opening handshake.
        await connection.reader.readexactly(1)
        step.put_nowait("request")
        await connection.read_rest()

    async def tolerant(connection: RawConnection) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            await handle(connection)

    async def opening(url: str) -> wirespeed.WebSocketConnection:
        return await wirespeed.connect(
            SERVER.replace("ws:", "wss:") if secure else SERVER,
            ssl=client_ssl if secure else None,
            proxy=proxy_at(url, scheme, f"{USER}:{PASSWORD}@"),
            proxy_ssl=client_ssl if scheme == "https" else None,
        )

    async with raw_server(tolerant, ssl=server_ssl if scheme == "https" else None) as url:
        task = asyncio.create_task(opening(url))
        while await step.get() != last:
            pass
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


@BOTH
@pytest.mark.parametrize("pieces", [(b"0\r\n\r\n",), (b"0", b"\r\n\r", b"\n")])
async def test_an_empty_body_that_comes_after_the_head(
    tls: Tls, pieces: tuple[bytes, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wirespeed._network.proxy._EMPTY_BODY_SECONDS", 30.0)
    awaited = asyncio.Event()
    may_go_on = Tunnel.may_go_on

    def note(asked: Tunnel) -> bool:
        awaited.set()
        return may_go_on(asked)

    monkeypatch.setattr(Tunnel, "may_go_on", note)

    async def handle(connection: RawConnection) -> None:
        await connection.read_upgrade()
        await connection.write(CHUNKED)
        await awaited.wait()
        for piece in pieces:
            await connection.write(piece)
            await asyncio.sleep(0)
        await serve_inside(connection)

    await opened_through(handle, tls)


@BOTH
async def test_an_empty_body_that_does_not_come(tls: Tls, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wirespeed._network.proxy._EMPTY_BODY_SECONDS", 0.01)

    async def handle(connection: RawConnection) -> None:
        await connection.read_upgrade()
        await connection.write(CHUNKED)
        await serve_inside(connection)

    await opened_through(handle, tls)


async def serve_inside(connection: RawConnection) -> None:
    """Be the server behind the proxy."""
    await connection.accept()
    await connection.write(frame(TEXT, b"hello"))
    await connection.expect_close()


async def opened_through(handler: Callable[[RawConnection], Awaitable[None]], tls: Tls) -> None:
    """Receive a message through a proxy."""
    scheme = "http" if tls.server is None else "https"
    async with (
        raw_server(handler, ssl=tls.server) as url,
        wirespeed.connect(SERVER, proxy=proxy_at(url, scheme), proxy_ssl=tls.client) as ws,
    ):
        assert await ws.receive_text() == "hello"
