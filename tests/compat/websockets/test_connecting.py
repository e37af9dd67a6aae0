"""Ways to use `connect`: places, sockets, proxies, connections of one's own, connecting again."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import trustme
from ends import nothing_left, text_frame, turns
from proxies import running_proxies
from rawserver import RawConnection, Upgrade, accept_response, raw_server
from servers import websockets_server
from websockets.exceptions import (
    InvalidProxyStatus,
    InvalidStatus,
)
from websockets.protocol import State
from websockets_programs import EACH_LIBRARY, answering, response, scripted, told

pytestmark = EACH_LIBRARY


# -- ways to connect ---------------------------------------------------------------------


async def test_host_and_port_do_not_change_the_name(
    lib: Any, server_ssl: ssl.SSLContext, client_ssl: ssl.SSLContext
) -> None:
    requests: list[Upgrade] = []

    async def handle(connection: RawConnection) -> None:
        requests.append(await connection.accept())
        await connection.expect_close()

    async with raw_server(handle, ssl=server_ssl) as url:
        port = int(url.rpartition(":")[2].rstrip("/"))
        async with lib.connect(
            "wss://localhost/x", host="127.0.0.1", port=port, ssl=client_ssl, proxy=None
        ):
            pass
        assert requests[0].headers["host"] == "localhost"
    async with websockets_server(ssl=server_ssl) as server:
        port = int(server.url.rpartition(":")[2].rstrip("/"))
        exc = await told(
            lib.connect(
                "wss://a.example/", host="127.0.0.1", port=port, ssl=client_ssl, proxy=None
            ).connect()
        )
        assert isinstance(exc, ssl.SSLCertVerificationError)


async def test_server_hostname(
    lib: Any, server_ssl: ssl.SSLContext, client_ssl: ssl.SSLContext
) -> None:
    async with websockets_server(ssl=server_ssl) as server:
        port = server.url.rpartition(":")[2].rstrip("/")
        async with lib.connect(
            f"wss://127.0.0.1:{port}/", ssl=client_ssl, server_hostname="localhost", proxy=None
        ) as ws:
            await ws.send("x")
            assert await ws.recv() == "x"


async def test_a_socket_of_the_program(lib: Any) -> None:
    async with websockets_server() as server:
        port = int(server.url.rpartition(":")[2].rstrip("/"))
        sock = socket.create_connection(("127.0.0.1", port))
        async with lib.connect("ws://a.example/", sock=sock) as ws:
            await ws.send("x")
            assert await ws.recv() == "x"


async def test_a_unix_socket(lib: Any, tmp_path: Path) -> None:
    path = tmp_path / "socket"
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(path))

        async def handle(connection: RawConnection) -> None:
            assert (await connection.accept()).headers["host"] == "localhost"
            await connection.write(text_frame("x"))
            await connection.expect_close()

        async with (
            raw_server(handle, sock=bound),
            lib.unix_connect(str(path)) as ws,
        ):
            assert await ws.recv() == "x"


async def test_proxies(
    lib: Any, monkeypatch: pytest.MonkeyPatch, ca: trustme.CA, tmp_path: Path
) -> None:
    with running_proxies(ca, tmp_path) as proxies:
        async with websockets_server() as server:
            for variable in (None, "ws_proxy", "https_proxy", "http_proxy"):
                if variable is not None:
                    monkeypatch.setenv(variable, proxies.url("http"))
                proxy = proxies.url("socks5h") if variable is None else True
                async with lib.connect(server.url, proxy=proxy) as ws:
                    await ws.send("x")
                    assert await ws.recv() == "x"
                if variable is not None:
                    monkeypatch.delenv(variable)
            assert proxies.asked() == ["127.0.0.1"] * 4
            wants_password = proxies.url("http", "nobody").replace("nobody@", "")
            exc: Any = await told(lib.connect(server.url, proxy=wants_password).connect())
            assert type(exc) is InvalidProxyStatus
            assert exc.response.status_code in {401, 407}


async def test_create_connection(lib: Any) -> None:
    made = []

    def make(*args: Any, **kwargs: Any) -> Any:
        made.append((args, kwargs))
        return lib.ClientConnection(*args, **kwargs | {"close_timeout": 5})

    async with scripted(
        lib, create_connection=make, max_queue=7, write_limit=99, ping_timeout=3
    ) as (ws, _):
        assert ws.close_timeout == 5
    [(args, kwargs)] = made
    assert len(args) == 1
    assert kwargs == {
        "ping_interval": None,
        "ping_timeout": 3,
        "close_timeout": 10,
        "max_queue": 7,
        "write_limit": 99,
    }


async def test_logger(lib: Any, caplog: pytest.LogCaptureFixture) -> None:
    logger = logging.getLogger("of the program")
    async with scripted(lib, logger=logger) as (ws, _):
        with caplog.at_level(logging.INFO, logger.name):
            ws.logger.info("hello")
    assert ("of the program", logging.INFO, "hello") in caplog.record_tuples


async def test_entering_twice(lib: Any) -> None:
    async with websockets_server() as server:
        connecting = lib.connect(server.url, proxy=None)
        async with connecting:
            exc = await told(connecting.__aenter__())
            assert type(exc) is RuntimeError
            assert str(exc) == "connect() isn't reentrant"
        async with connecting as ws:
            await ws.send("again")
            assert await ws.recv() == "again"


async def test_awaiting_again(lib: Any) -> None:
    async with websockets_server() as server:
        connecting = lib.connect(uri=server.url, proxy=None)
        for _ in range(2):
            ws = await connecting
            assert ws.state is State.OPEN
            await ws.close()


async def test_a_class_whose_attributes_can_be_set(
    lib: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def once(self: Any) -> AsyncIterator[str]:
        yield self.uri

    monkeypatch.setattr(lib.connect, "__aiter__", once)
    connecting = lib.connect("ws://a.example/")
    assert [uri async for uri in connecting] == ["ws://a.example/"]
    connecting.open_timeout = 1
    assert isinstance(connecting, lib.connect)


async def test_cancelling_leaves_nothing(lib: Any) -> None:
    arrived = asyncio.Event()

    async def handle(connection: RawConnection) -> None:
        await connection.read_upgrade()
        arrived.set()
        await connection.read_rest()

    async with raw_server(handle) as url, nothing_left():
        opening = asyncio.create_task(lib.connect(url, proxy=None).connect())
        await arrived.wait()
        opening.cancel()
        await asyncio.wait([opening])
        assert opening.cancelled()


# -- connecting again --------------------------------------------------------------------


REFUSED_FOR_NOW = [response(f"{code} X", "Content-Length: 0") for code in (500, 502, 503, 504)]


async def test_trying_again(lib: Any, caplog: pytest.LogCaptureFixture) -> None:
    answers = [*REFUSED_FOR_NOW, b"HTTP/1.1 1", b""]

    async def handle(connection: RawConnection) -> None:
        upgrade = await connection.read_upgrade()
        answer = answers.pop(0)
        await connection.write(answer or accept_response(upgrade))
        if not answer:
            await connection.expect_close()

    with caplog.at_level(logging.INFO, "websockets.client"):
        async with raw_server(handle, connections=6) as url:
            connecting = lib.connect(url, proxy=None, reconnect_delays=lambda: iter([0.0] * 9))
            async for ws in connecting:
                assert ws.state is State.OPEN
                break
            await aclosed(connecting, ws)
    assert len([line for line in caplog.messages if line.startswith("connect failed")]) == 5
    assert caplog.messages[0].startswith(
        "connect failed; reconnecting in 0.0 seconds: websockets.exceptions.InvalidStatus: "
    )


async def aclosed(connecting: Any, ws: Any) -> None:
    """Close what leaving the iteration early has left open."""
    await ws.close()
    await turns(3)


async def test_trying_again_after_a_timeout(lib: Any) -> None:
    accepts = False

    async def handle(connection: RawConnection) -> None:
        nonlocal accepts
        upgrade = await connection.read_upgrade()
        if accepts:
            await connection.write(accept_response(upgrade))
            await connection.expect_close()
            return
        accepts = True
        await connection.read_rest()

    async with raw_server(handle, connections=2) as url:
        connecting = lib.connect(
            url, proxy=None, open_timeout=0.1, reconnect_delays=lambda: iter([0.0])
        )
        async for ws in connecting:
            await aclosed(connecting, ws)
            break


@pytest.mark.parametrize("status", ["401 X", "404 X", "429 X", "501 X"])
async def test_errors_that_stay(lib: Any, status: str) -> None:
    async with answering(response(status, "Content-Length: 0")) as (url, _):
        steps = aiter(lib.connect(url, proxy=None))
        assert type(await told(anext(steps))) is InvalidStatus


@pytest.mark.parametrize("way", ["other", "raise", "same"])
async def test_process_exception(lib: Any, way: str) -> None:
    def judge(exc: Exception) -> Exception | None:
        if way == "raise":
            raise LookupError("raised")
        return exc if way == "same" else LookupError("returned")

    async with answering(REFUSED_FOR_NOW[0]) as (url, _):
        steps = aiter(lib.connect(url, proxy=None, process_exception=judge))
        exc = await told(anext(steps))
        assert type(exc) is (InvalidStatus if way == "same" else LookupError)


async def test_each_step_closes_the_connection_before(lib: Any) -> None:
    async with websockets_server() as server:
        seen = []
        async for ws in lib.connect(server.url, proxy=None):
            seen.append(ws)
            await ws.send("x")
            assert await ws.recv() == "x"
            if len(seen) == 3:
                break
        assert [one.state for one in seen] == [State.CLOSED, State.CLOSED, State.OPEN]
        await ws.close()
        await turns(3)


async def test_infinity_is_no_limit(lib: Any) -> None:
    limits = dict.fromkeys(
        ("open_timeout", "ping_interval", "ping_timeout", "close_timeout"), float("inf")
    )
    async with websockets_server() as server:
        async with lib.connect(server.url, proxy=None, **limits) as ws:
            assert ws.ping_timeout == ws.close_timeout == float("inf")
            await ws.send("echo")
            assert await ws.recv() == "echo"
        assert ws.close_code == 1000
