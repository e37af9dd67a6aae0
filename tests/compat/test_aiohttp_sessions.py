"""Sessions of the drop-in: requests, cookies, connectors, and classes of open WebSockets."""

from __future__ import annotations

import contextlib
import socket
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp as real
import pytest
import yarl
from aiohttp import web
from compat_programs import ALONE, EACH_LIBRARY, opened
from ends import turns
from rawserver import RawConnection, raw_server
from servers import Behaviour, websockets_server

from wirespeed.compat import aiohttp as dropin


@contextlib.asynccontextmanager
async def serving(*routes: web.RouteDef) -> AsyncIterator[str]:
    """Serve the routes; yield the URL, with a name: a jar takes no cookies of addresses."""
    app = web.Application()
    app.add_routes(routes)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://localhost:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@contextlib.asynccontextmanager
async def cookie_server() -> AsyncIterator[str]:
    """Serve a page and a WebSocket: each sets a cookie and shows those that it got."""

    async def page(request: web.Request) -> web.Response:
        response = web.json_response(dict(request.cookies))
        response.set_cookie("page", "1")
        return response

    async def feed(request: web.Request) -> web.WebSocketResponse:
        ws = web.WebSocketResponse()
        ws.set_cookie("feed", "2")
        await ws.prepare(request)
        await ws.send_json(dict(request.cookies))
        await ws.receive()
        return ws

    async with serving(web.get("/page", page), web.get("/feed", feed)) as url:
        yield url


@pytest.mark.parametrize("lib", [real, dropin])
async def test_cookies_and_requests(lib: Any) -> None:
    async with cookie_server() as url:
        connector = lib.TCPConnector(family=socket.AF_INET)
        async with lib.ClientSession(cookies={"mine": "0"}, connector=connector) as session:
            async with session.ws_connect(f"{url}/feed") as ws:
                assert await ws.receive_json() == {"mine": "0"}
            async with session.get(f"{url}/page") as response:
                assert await response.json() == {"mine": "0", "feed": "2"}
            async with session.ws_connect(f"{url}/feed") as ws:
                assert await ws.receive_json() == {"mine": "0", "feed": "2", "page": "1"}
            assert {cookie.key for cookie in session.cookie_jar} == {"mine", "feed", "page"}
            session.cookie_jar.clear()
            session.cookie_jar.update_cookies({"new": "3"}, yarl.URL(url))
            async with session.ws_connect(f"{url}/feed") as ws:
                assert await ws.receive_json() == {"new": "3"}
        assert session.closed
        assert connector.closed
        await turns(5)


@pytest.mark.parametrize("lib", [real, dropin])
async def test_headers_that_change(lib: Any) -> None:
    async def shown(request: web.Request) -> web.StreamResponse:
        if "upgrade" not in request.headers:
            return web.Response(text=request.headers["X-Token"])
        ws = web.WebSocketResponse()
        await ws.prepare(request)
        await ws.send_str(request.headers["X-Token"])
        return ws

    async with serving(web.get("/", shown)) as url:
        connector = lib.TCPConnector(family=socket.AF_INET)
        async with lib.ClientSession(headers={"X-Token": "1"}, connector=connector) as session:
            for token in ("1", "2", "3"):
                session.headers["X-Token"] = token
                async with session.get(url) as response:
                    assert await response.text() == token
                async with session.ws_connect(url) as ws:
                    assert await ws.receive_str() == token
        await turns(5)


@pytest.mark.parametrize("lib", [real, dropin])
async def test_a_jar_of_the_programs(lib: Any) -> None:
    async with cookie_server() as url:
        jar = lib.DummyCookieJar()
        connector = lib.TCPConnector(family=socket.AF_INET)
        async with lib.ClientSession(cookie_jar=jar, connector=connector) as session:
            for _ in range(2):
                async with session.ws_connect(f"{url}/feed") as ws:
                    assert await ws.receive_json() == {}
        await turns(5)


@EACH_LIBRARY[0]
@EACH_LIBRARY[1]
async def test_arguments_that_say_nothing_about_a_websocket(lib: Any) -> None:
    async with websockets_server() as server:
        connector = lib.TCPConnector(
            force_close=True,
            limit=5,
            limit_per_host=5,
            use_dns_cache=False,
            ttl_dns_cache=5,
            enable_cleanup_closed=False,
            local_addr=("127.0.0.1", 0),
            family=socket.AF_INET,
        )
        timeout = lib.ClientTimeout(total=None, connect=10, sock_connect=10, sock_read=10)
        async with (
            lib.ClientSession(connector=connector, timeout=timeout) as session,
            session.ws_connect(server.url) as ws,
        ):
            await ws.send_str("x")
            assert await ws.receive_str() == "x"
        await turns(5)


class Resolver(real.abc.AbstractResolver):
    """A resolver that knows one name, and remembers what it was asked."""

    def __init__(self, port: int = 0, *, finds: bool = True) -> None:
        self.asked: list[tuple[str, int, int]] = []
        self._port = port
        self._finds = finds

    async def resolve(self, host: str, port: int = 0, family: Any = 0) -> list[Any]:
        self.asked.append((host, port, family))
        if host != "feed.invalid":
            raise OSError(None, f"there is no {host}")
        answer = {"hostname": host, "host": "127.0.0.1", "port": self._port or port}
        answer |= {"family": socket.AF_INET, "proto": 0, "flags": socket.AI_NUMERICHOST}
        return [answer] if self._finds else []

    async def close(self) -> None:
        pass


@EACH_LIBRARY[0]
@EACH_LIBRARY[1]
async def test_a_resolver_of_the_programs(lib: Any) -> None:
    async with websockets_server() as server:
        resolver = Resolver(yarl.URL(server.url).port or 0)
        connector = lib.TCPConnector(resolver=resolver, family=socket.AF_INET)
        async with lib.ClientSession(connector=connector) as session:
            async with session.ws_connect("ws://feed.invalid:1/path") as ws:
                await ws.send_str("x")
                assert await ws.receive_str() == "x"
            async with session.ws_connect(server.url) as ws:
                assert not ws.closed
            with pytest.raises(lib.ClientConnectorDNSError, match=r"there is no other\.invalid"):
                await session.ws_connect("ws://other.invalid")
        await turns(5)
    assert resolver.asked == [
        ("feed.invalid", 1, socket.AF_INET),
        ("other.invalid", 80, socket.AF_INET),
    ]


async def test_a_resolver_that_finds_nothing() -> None:
    connector = dropin.TCPConnector(resolver=Resolver(finds=False))
    async with dropin.ClientSession(connector=connector) as session:
        with pytest.raises(dropin.ClientConnectorError) as caught:
            await session.ws_connect("ws://feed.invalid")
    assert "no address of the host" in str(caught.value.os_error)


@EACH_LIBRARY[0]
@EACH_LIBRARY[1]
async def test_settings_for_tls_without_tls(lib: Any, client_ssl: ssl.SSLContext) -> None:
    async with websockets_server() as server:
        for setting in (False, client_ssl, lib.Fingerprint(bytes(32))):
            async with opened(lib, server.url, ssl=setting) as ws:
                await ws.send_str("x")
                assert await ws.receive_str() == "x"
        connector = lib.TCPConnector(ssl=client_ssl)
        async with (
            lib.ClientSession(connector=connector) as session,
            session.ws_connect(server.url) as ws,
        ):
            assert not ws.closed
        await turns(5)


@EACH_LIBRARY[0]
@EACH_LIBRARY[1]
async def test_settings_for_tls_and_a_redirect_to_tls(
    lib: Any, server_ssl: ssl.SSLContext, client_ssl: ssl.SSLContext
) -> None:
    async with websockets_server(ssl=server_ssl) as server:
        where = server.url.replace("wss:", "https:")

        async def redirect(connection: RawConnection) -> None:
            await connection.read_upgrade()
            head = f"HTTP/1.1 307 There\r\nLocation: {where}\r\nContent-Length: 0\r\n\r\n"
            await connection.write(head.encode())
            await connection.read_rest()

        async with raw_server(redirect) as url, opened(lib, url, ssl=client_ssl) as ws:
            await ws.send_str("x")
            assert await ws.receive_str() == "x"


@pytest.mark.parametrize("lib", [real, dropin])
async def test_arguments_about_requests(lib: Any) -> None:
    async with (
        websockets_server() as server,
        lib.ClientSession(
            raise_for_status=True, trace_configs=None, json_serialize=repr, auto_decompress=True
        ) as session,
        session.ws_connect(server.url) as ws,
    ):
        await ws.send_str("x")
        assert await ws.receive_str() == "x"
    await turns(5)


@pytest.mark.parametrize("lib", [real, dropin])
async def test_a_unix_connector(lib: Any, tmp_path: Path) -> None:
    path = str(tmp_path / "socket")

    async def feed(request: web.Request) -> web.WebSocketResponse:
        ws = web.WebSocketResponse()
        await ws.prepare(request)
        await ws.send_str("unix")
        return ws

    app = web.Application()
    app.add_routes([web.get("/", feed)])
    runner = web.AppRunner(app)
    await runner.setup()
    await web.UnixSite(runner, path).start()
    async with (
        lib.ClientSession(connector=lib.UnixConnector(path)) as session,
        session.ws_connect("ws://feed.example/") as ws,
    ):
        assert await ws.receive_str() == "unix"
    await turns(5)
    await runner.cleanup()


class Ours(dropin.ClientWebSocketResponse):
    """A subclass as in gateways of chat services."""

    async def close(self, *, code: int = 4000, message: Any = b"") -> bool:
        return await super().close(code=code, message=message)


class Theirs(real.ClientWebSocketResponse):
    """The same, of aiohttp's class: of a library that imports aiohttp."""

    async def close(self, *, code: int = 4000, message: Any = b"") -> bool:
        return await super().close(code=code, message=message)


@pytest.mark.parametrize("kind", [Ours, Theirs, real.ClientWebSocketResponse])
async def test_classes_of_open_websockets(kind: Any) -> None:
    async with websockets_server(Behaviour(burst=["a"])) as server:
        async with dropin.ClientSession(ws_response_class=kind) as session:
            ws = await session.ws_connect(server.url)
            assert isinstance(ws, kind)
            assert isinstance(ws, dropin.ClientWebSocketResponse)
            assert isinstance(ws, real.ClientWebSocketResponse)
            await ws.send_str("b")
            assert [(await anext(ws)).data for _ in range(2)] == ["a", "b"]
            await ws.close()
        expected = 1000 if kind is real.ClientWebSocketResponse else 4000
        assert (await server.closes.get())[0] == expected


@EACH_LIBRARY[0]
@EACH_LIBRARY[1]
async def test_the_response_of_the_handshake(lib: Any) -> None:
    async with websockets_server() as server, opened(lib, server.url) as ws:
        assert ws._response.status == 101
        assert ws._response.headers["upgrade"].lower() == "websocket"


async def test_the_sessions_of_a_program_that_was_given_the_drop_in() -> None:
    async with websockets_server() as server:
        async with ALONE.ClientSession() as session, session.ws_connect(server.url) as ws:
            assert not isinstance(ws, real.ClientWebSocketResponse)
        with pytest.raises(TypeError, match="ws_response_class"):
            ALONE.ClientSession(ws_response_class=real.ClientWebSocketResponse)
