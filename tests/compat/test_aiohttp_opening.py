"""How one program opens WebSockets with `aiohttp` and with `wirespeed.compat.aiohttp`.

The program uses only what both have.
"""

from __future__ import annotations

import asyncio
import hashlib
import ssl
from pathlib import Path
from typing import Any

import pytest
import trustme
from compat_programs import EACH_LIBRARY, opened
from ends import (
    close_frame,
    turns,
)
from proxies import PASSWORD, USER, running_proxies
from rawserver import RawConnection, raw_server
from servers import Behaviour, ServerFactory, aiohttp_server, url_of, websockets_server
from websockets.asyncio.server import ServerConnection, serve as serve_websockets

pytestmark = EACH_LIBRARY


async def test_protocols(lib: Any, serve: ServerFactory) -> None:
    async with serve(Behaviour(subprotocols=["ticks"])) as server:
        async with opened(lib, server.url, protocols=("other", "ticks")) as ws:
            assert ws.protocol == "ticks"
        async with opened(lib, server.url) as ws:
            assert ws.protocol is None


async def test_what_the_request_says(lib: Any) -> None:
    requests: asyncio.Queue[Any] = asyncio.Queue()

    async def handle(connection: RawConnection) -> None:
        requests.put_nowait(await connection.accept())
        await connection.write(close_frame())
        await connection.read_frame()

    async with raw_server(handle) as url:
        async with (
            lib.ClientSession(
                headers={"X-Session": "1", "X-Both": "session"},
                cookies={"crumb": "7"},
                auth=lib.BasicAuth("user", "pässword"),
            ) as session,
            session.ws_connect(
                url + "path?a=1",
                params={"b": "ü", "c": 2},
                headers=[("X-Both", "call")],
                origin="https://origin.example",
                protocols=["a", "b"],
                method="GET",
                compress=0,
                max_msg_size=0,
            ) as ws,
        ):
            await ws.receive()
        await turns(5)
    request = requests.get_nowait()
    assert request.line == "GET /path?a=1&b=%C3%BC&c=2 HTTP/1.1"
    headers = request.headers
    assert headers["x-session"] == "1"
    assert headers["x-both"] == "call"
    assert headers["cookie"] == "crumb=7"
    assert headers["origin"] == "https://origin.example"
    assert headers["authorization"] == "Basic dXNlcjpw5HNzd29yZA=="
    assert headers["sec-websocket-protocol"].replace(" ", "") == "a,b"


async def test_refusal(lib: Any, serve: ServerFactory) -> None:
    async with serve(Behaviour(refuse=(403, b"no"))) as server, lib.ClientSession() as session:
        with pytest.raises(lib.WSServerHandshakeError) as caught:
            await session.ws_connect(server.url)
        error = caught.value
        assert (error.status, error.message, error.history) == (403, "Invalid response status", ())
        assert error.headers["content-length"] == "2"
        assert isinstance(error, lib.ClientError)
        assert error.request_info.method == "GET"
    await turns(5)


@pytest.mark.parametrize(
    ("head", "message"),
    [
        ("Connection: Upgrade\r\nSec-WebSocket-Accept: x", "Invalid upgrade header"),
        ("Upgrade: websocket\r\nSec-WebSocket-Accept: x", "Invalid connection header"),
        (
            "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x",
            "Invalid challenge response",
        ),
    ],
)
async def test_wrong_answer(lib: Any, head: str, message: str) -> None:
    async def handle(connection: RawConnection) -> None:
        await connection.read_upgrade()
        await connection.write(f"HTTP/1.1 101 Switching\r\n{head}\r\n\r\n".encode())
        await connection.read_rest()

    async with raw_server(handle) as url, lib.ClientSession() as session:
        with pytest.raises(lib.WSServerHandshakeError) as caught:
            await session.ws_connect(url)
        assert (caught.value.status, caught.value.message) == (101, message)
        await turns(5)


async def test_server_that_hangs_up(lib: Any) -> None:
    async def handle(connection: RawConnection) -> None:
        await connection.read_upgrade()

    async with raw_server(handle) as url, lib.ClientSession() as session:
        with pytest.raises(lib.ServerDisconnectedError) as caught:
            await session.ws_connect(url)
        assert isinstance(caught.value, lib.ClientConnectionError)
    await turns(5)


async def test_nobody_listens(lib: Any) -> None:
    async def never(connection: RawConnection) -> None:
        raise AssertionError("nobody should come")

    async with raw_server(never, connections=0) as url:
        pass
    async with lib.ClientSession() as session:
        with pytest.raises(lib.ClientConnectorError) as caught:
            await session.ws_connect(url)
        assert isinstance(caught.value, OSError)
        error: Any = caught.value
        assert isinstance(error.os_error, OSError)
        assert error.host == "127.0.0.1"


async def test_url_that_cannot_be_used(lib: Any) -> None:
    async with lib.ClientSession() as session:
        with pytest.raises(lib.NonHttpUrlClientError):
            await session.ws_connect("ftp://127.0.0.1/")
        with pytest.raises(lib.InvalidURL) as caught:
            await session.ws_connect("http://")
        assert isinstance(caught.value, ValueError)


async def test_tls(lib: Any, server_ssl: ssl.SSLContext, client_ssl: ssl.SSLContext) -> None:
    async with aiohttp_server(ssl=server_ssl) as server:
        for context in (client_ssl, False):
            async with opened(lib, server.url, ssl=context) as ws:
                await ws.send_str("x")
                assert await ws.receive_str() == "x"
                assert ws.get_extra_info("ssl_object") is not None
                assert ws.get_extra_info("nothing", "default") == "default"
            assert ws.get_extra_info("ssl_object") is None
        async with lib.ClientSession() as session:
            with pytest.raises(lib.ClientConnectorCertificateError) as caught:
                await session.ws_connect(server.url)
            assert isinstance(caught.value, ssl.CertificateError)
        async with (
            lib.ClientSession(connector=lib.TCPConnector(ssl=client_ssl, limit=0)) as session,
            session.ws_connect(server.url, server_hostname="localhost") as ws,
        ):
            assert ws.get_extra_info("ssl_object") is not None
        await asyncio.sleep(0)


async def test_session(lib: Any, serve: ServerFactory) -> None:
    async with serve() as server:
        session = lib.ClientSession(base_url=server.url.replace("ws:", "http:"))
        assert not session.closed
        opening = asyncio.create_task(session.ws_connect("chat"))
        ws = await opening
        await ws.send_str("x")
        assert await ws.receive_str() == "x"
        await session.close()
        assert session.closed
        assert (await ws.receive()).type == lib.WSMsgType.CLOSED
        with pytest.raises(RuntimeError):
            await session.ws_connect("chat")
        await ws.close()
    await turns(5)


async def test_response_class(lib: Any, serve: ServerFactory) -> None:
    class Shouting(lib.ClientWebSocketResponse):  # type: ignore[misc]
        async def receive(self, timeout: float | None = None) -> Any:  # noqa: ASYNC109
            message = await super().receive(timeout)
            return message if message.data is None else (message.type, message.data, "!")

        async def shout(self, text: str) -> None:
            await self.send_str(text.upper())

    async with (
        serve() as server,
        lib.ClientSession(ws_response_class=Shouting) as session,
        session.ws_connect(server.url) as ws,
    ):
        await ws.shout("x")
        assert await ws.receive() == (lib.WSMsgType.TEXT, "X", "!")
    await turns(5)


async def test_fingerprint(lib: Any, ca: trustme.CA) -> None:
    certificate = ca.issue_cert("localhost", "127.0.0.1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    pem = certificate.cert_chain_pems[0].bytes().decode()
    digest = hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).digest()
    async with aiohttp_server(ssl=context) as server:
        async with opened(lib, server.url, ssl=lib.Fingerprint(digest)) as ws:
            await ws.send_str("x")
            assert await ws.receive_str() == "x"
        async with lib.ClientSession() as session:
            with pytest.raises(lib.ServerFingerprintMismatch):
                await session.ws_connect(server.url, fingerprint=b"\0" * 32)
        await turns(5)


async def test_total_timeout(lib: Any) -> None:
    released = asyncio.Event()

    async def handle(connection: RawConnection) -> None:
        await connection.read_upgrade()
        await released.wait()

    async with raw_server(handle) as url:
        async with lib.ClientSession(timeout=lib.ClientTimeout(total=0.05)) as session:
            with pytest.raises(asyncio.TimeoutError):
                await session.ws_connect(url)
        released.set()
        await turns(5)


async def test_redirects(lib: Any) -> None:
    async def handle(connection: RawConnection) -> None:
        upgrade = await connection.read_upgrade()
        if upgrade.line.startswith("GET /old "):
            await connection.write(
                b"HTTP/1.1 302 Found\r\nLocation: /new\r\nContent-Length: 0\r\n"
                b"Connection: close\r\n\r\n"
            )
        else:
            assert upgrade.line.startswith("GET /new ")
            await connection.write(b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n")
            await connection.read_rest()

    async with raw_server(handle, connections=2) as url, lib.ClientSession() as session:
        with pytest.raises(lib.WSServerHandshakeError) as caught:
            await session.ws_connect(url.replace("ws:", "http:") + "old")
        assert caught.value.status == 404
        assert [response.status for response in caught.value.history] == [302]
        await session.close()


async def test_proxy(
    lib: Any, tmp_path: Path, ca: trustme.CA, server_ssl: ssl.SSLContext, client_ssl: ssl.SSLContext
) -> None:
    with running_proxies(ca, tmp_path) as proxies:
        async with websockets_server(ssl=server_ssl) as server:
            async with opened(lib, server.url, ssl=client_ssl, proxy=proxies.url("http")) as ws:
                await ws.send_str("x")
                assert await ws.receive_str() == "x"
            closed_to_strangers = proxies.url("http", "nobody").replace("nobody@", "")
            for login, status in ((USER, None), ("stranger", 401)):
                wanted = {"proxy": closed_to_strangers, "ssl": client_ssl}
                wanted["proxy_auth"] = lib.BasicAuth(login, PASSWORD)
                if status is None:
                    async with opened(lib, server.url, **wanted) as ws:
                        await ws.send_str("x")
                        assert await ws.receive_str() == "x"
                    continue
                async with lib.ClientSession() as session:
                    with pytest.raises(lib.ClientHttpProxyError) as caught:
                        await session.ws_connect(server.url, **wanted)
                    assert caught.value.status == status
                    assert PASSWORD not in f"{caught.value} {caught.value!r}"
            await turns(5)
        assert proxies.asked() == ["127.0.0.1"] * 2


@pytest.mark.parametrize("compress", [9, 15])
async def test_compression(lib: Any, compress: int) -> None:
    async def echo(connection: ServerConnection) -> None:
        async for message in connection:
            await connection.send(message)

    async with (
        serve_websockets(echo, "127.0.0.1", 0, compression="deflate") as server,
        opened(lib, url_of(server.server, None), compress=compress) as ws,
    ):
        assert ws.compress
        assert ws.client_notakeover is False
        await ws.send_str("x" * 10_000)
        assert await ws.receive_str() == "x" * 10_000
