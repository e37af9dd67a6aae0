"""Opening: what is asked for, refusals, redirects, and the ways to use `connect`."""

from __future__ import annotations

import asyncio
import contextlib
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
from servers import Behaviour, websockets_server
from websockets.datastructures import Headers
from websockets.exceptions import (
    InvalidHandshake,
    InvalidHeader,
    InvalidHeaderValue,
    InvalidMessage,
    InvalidProxy,
    InvalidProxyStatus,
    InvalidStatus,
    InvalidUpgrade,
    InvalidURI,
    NegotiationError,
    SecurityError,
)
from websockets.protocol import State
from websockets_programs import EACH_LIBRARY, scripted, told

pytestmark = EACH_LIBRARY


async def asked(lib: Any, **options: Any) -> Upgrade:
    """Return the request that is sent with these options."""
    requests: list[Upgrade] = []

    async def handle(connection: RawConnection) -> None:
        requests.append(await connection.accept())
        await connection.expect_close()

    async with raw_server(handle) as url:
        async with lib.connect(url, **{"proxy": None, **options}):
            pass
    return requests[0]


@contextlib.asynccontextmanager
async def answering(*answers: bytes) -> AsyncIterator[tuple[str, list[Upgrade]]]:
    """Serve one connection for each answer; `b""` accepts, then waits for the client's end."""
    left = list(answers)
    requests: list[Upgrade] = []

    async def handle(connection: RawConnection) -> None:
        upgrade = await connection.read_upgrade()
        requests.append(upgrade)
        answer = left.pop(0)
        await connection.write(answer or accept_response(upgrade))
        if not answer:
            await connection.expect_close()

    async with raw_server(handle, connections=len(answers)) as url:
        yield url, requests


def response(status: str, *lines: str, body: str = "") -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status}", *lines, "", body]).encode()


# -- the request -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [
        {"X-One": "1", "X-Two": "2"},
        [("X-One", "1"), ("X-Two", "2")],
        Headers({"X-One": "1", "X-Two": "2"}),
        {"X-One": 1, "X-Two": 2},
    ],
)
async def test_additional_headers(lib: Any, headers: Any) -> None:
    upgrade = await asked(lib, additional_headers=headers)
    assert (upgrade.headers["x-one"], upgrade.headers["x-two"]) == ("1", "2")


@pytest.mark.parametrize(
    ("options", "agent"),
    [
        ({"user_agent_header": "me"}, "me"),
        ({"user_agent_header": None}, None),
        ({"additional_headers": {"user-agent": "mine"}}, "mine"),
        ({"additional_headers": {"User-Agent": "mine"}, "user_agent_header": "me"}, "mine"),
    ],
)
async def test_user_agent(lib: Any, options: Any, agent: str | None) -> None:
    assert (await asked(lib, **options)).headers.get("user-agent") == agent


async def test_what_the_request_says(lib: Any) -> None:
    upgrade = await asked(lib, origin="https://a.example", subprotocols=["a", "b"])
    assert upgrade.line == "GET / HTTP/1.1"
    assert upgrade.headers["origin"] == "https://a.example"
    assert upgrade.headers["sec-websocket-protocol"] == "a, b"
    assert upgrade.headers["sec-websocket-extensions"].startswith("permessage-deflate")
    assert "sec-websocket-extensions" not in (await asked(lib, compression=None)).headers


async def test_credentials_in_the_uri(lib: Any) -> None:
    async with answering(b"") as (url, requests):
        async with lib.connect(url.replace("ws://", "ws://user:p%40ss@"), proxy=None):
            pass
        assert requests[0].headers["authorization"] == "Basic dXNlcjpwQHNz"


@pytest.mark.parametrize("chosen", ["chat", None])
async def test_subprotocols(lib: Any, chosen: str | None) -> None:
    behaviour = Behaviour(subprotocols=() if chosen is None else (chosen,))
    async with (
        websockets_server(behaviour) as server,
        lib.connect(server.url, subprotocols=["chat"], proxy=None) as ws,
    ):
        assert ws.subprotocol == chosen


# -- refusals ----------------------------------------------------------------------------


@pytest.mark.parametrize("sized", [True, False])
@pytest.mark.parametrize("status", ["401 Unauthorized", "403 Forbidden", "503 Unavailable"])
async def test_refusals(lib: Any, status: str, sized: bool) -> None:
    lines = ["X-Why: because", "Connection: close"] + (["Content-Length: 2"] if sized else [])
    async with answering(response(status, *lines, body="no")) as (url, _):
        exc: Any = await told(lib.connect(url, proxy=None).connect())
        assert type(exc) is InvalidStatus
        code, _, phrase = status.partition(" ")
        assert (exc.response.status_code, exc.response.reason_phrase) == (int(code), phrase)
        assert exc.response.headers["x-why"] == "because"
        assert exc.response.body == b"no"
        assert str(exc) == f"server rejected WebSocket connection: HTTP {code}"


@pytest.mark.parametrize(
    ("lines", "kind", "name"),
    [
        (["Connection: Upgrade", "Sec-WebSocket-Accept: {}"], InvalidUpgrade, "Upgrade"),
        (["Upgrade: websocket", "Sec-WebSocket-Accept: {}"], InvalidUpgrade, "Connection"),
        (["Upgrade: websocket", "Connection: Upgrade"], InvalidHeader, "Sec-WebSocket-Accept"),
        (
            ["Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Accept: x"],
            InvalidHeaderValue,
            "Sec-WebSocket-Accept",
        ),
    ],
)
async def test_wrong_answers(lib: Any, lines: list[str], kind: Any, name: str) -> None:
    answer = response("101 Switching Protocols", *lines)
    async with answering(answer) as (url, _):
        exc: Any = await told(lib.connect(url, proxy=None).connect())
        assert type(exc) is kind
        assert exc.name == name


@pytest.mark.parametrize("header", ["Sec-WebSocket-Protocol: b", "Sec-WebSocket-Extensions: x"])
async def test_what_was_not_offered(lib: Any, header: str) -> None:
    async def handle(connection: RawConnection) -> None:
        await connection.accept(header)
        await connection.read_rest()

    async with raw_server(handle) as url:
        exc = await told(lib.connect(url, subprotocols=["a"], proxy=None).connect())
        assert type(exc) is NegotiationError


@pytest.mark.parametrize("ending", [b"", b"HTTP/1.1 1"])
async def test_a_server_that_hangs_up(lib: Any, ending: bytes) -> None:
    async def handle(connection: RawConnection) -> None:
        await connection.read_upgrade()
        await connection.write(ending)

    async with raw_server(handle) as url:
        exc = await told(lib.connect(url, proxy=None).connect())
        assert type(exc) is InvalidMessage
        assert str(exc) == "did not receive a valid HTTP response"
        assert isinstance(exc.__cause__, EOFError)


async def test_no_http(lib: Any) -> None:
    async with answering(b"SSH-2.0-x\r\n\r\n") as (url, _):
        exc = await told(lib.connect(url, proxy=None).connect())
        assert type(exc) is InvalidMessage
        assert not isinstance(exc.__cause__, EOFError)


async def test_a_server_that_is_silent(lib: Any) -> None:
    async def handle(connection: RawConnection) -> None:
        await connection.read_rest()

    async with raw_server(handle) as url:
        exc = await told(lib.connect(url, open_timeout=0.05, proxy=None).connect())
        assert type(exc) is TimeoutError
        assert str(exc) == "timed out during opening handshake"


async def test_nobody_listens(lib: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    exc = await told(lib.connect(f"ws://127.0.0.1:{port}", proxy=None).connect())
    assert isinstance(exc, OSError)
    assert not isinstance(exc, InvalidHandshake)


@pytest.mark.parametrize(
    ("uri", "msg"),
    [
        ("http://a.example/", "scheme isn't ws or wss"),
        ("ws:///path", "hostname isn't provided"),
        ("ws://a.example/#x", "fragment identifier is meaningless"),
        ("ws://user@a.example/", "username provided without password"),
    ],
)
async def test_uris_that_cannot_be_used(lib: Any, uri: str, msg: str) -> None:
    with pytest.raises(InvalidURI) as caught:
        lib.connect(uri)
    assert (caught.value.uri, caught.value.msg) == (uri, msg)


async def test_arguments_that_contradict(lib: Any) -> None:
    with pytest.raises(ValueError, match=r"^ssl argument is incompatible with a ws:// URI$"):
        lib.connect("ws://a.example/", ssl=True)
    with pytest.raises(ValueError, match=r"^unsupported compression: zip$"):
        lib.connect("ws://a.example/", compression="zip")
    exc = await told(lib.connect("wss://a.example/", ssl=None, proxy=None).connect())
    assert str(exc) == "ssl=None is incompatible with a wss:// URI"
    exc = await told(lib.connect("ws://a.example/", proxy="ftp://b.example").connect())
    assert type(exc) is InvalidProxy
    with pytest.raises(TypeError):
        lib.connect("ws://a.example/", subprotocols="chat")


# -- redirects ---------------------------------------------------------------------------


@pytest.mark.parametrize("status", [300, 301, 302, 303, 307, 308])
async def test_a_redirect_within_the_origin(lib: Any, status: int) -> None:
    redirect = response(f"{status} Moved", "Location: /there?x=1", "Content-Length: 0")
    async with answering(redirect, b"") as (url, requests):
        headers = {"Authorization": "secret", "X-Mine": "1"}
        async with lib.connect(url, additional_headers=headers, proxy=None) as ws:
            assert ws.state is State.OPEN
        assert requests[1].line == "GET /there?x=1 HTTP/1.1"
        assert requests[1].headers["authorization"] == "secret"


async def test_a_redirect_to_another_origin(lib: Any) -> None:
    async with answering(b"") as (target, seen):
        redirect = response("302 Found", f"Location: {target}", "Content-Length: 0")
        headers = {"Authorization": "secret", "Cookie": "a=b", "X-Mine": "1"}
        async with answering(redirect) as (url, _):
            async with lib.connect(url, additional_headers=headers, proxy=None) as connection:
                assert connection.state is State.OPEN
    assert "authorization" not in seen[0].headers
    assert "cookie" not in seen[0].headers
    assert seen[0].headers["x-mine"] == "1"


@pytest.mark.parametrize("how", ["sock", "host", "port", "downgrade"])
async def test_redirects_that_are_not_followed(
    lib: Any, how: str, server_ssl: ssl.SSLContext, client_ssl: ssl.SSLContext
) -> None:
    redirect = response("302 Found", "Location: ws://b.example/", "Content-Length: 0")

    async def handle(connection: RawConnection) -> None:
        await connection.read_upgrade()
        await connection.write(redirect)
        await connection.read_rest()

    is_secure = how == "downgrade"
    async with raw_server(handle, ssl=server_ssl if is_secure else None) as url:
        port = int(url.rpartition(":")[2].rstrip("/"))
        options: dict[str, Any] = {
            "sock": lambda: {"sock": socket.create_connection(("127.0.0.1", port))},
            "host": lambda: {"host": "127.0.0.1"},
            "port": lambda: {"port": port},
            "downgrade": lambda: {"ssl": client_ssl},
        }[how]()
        exc = await told(lib.connect(url, proxy=None, **options).connect())
        assert type(exc) is (SecurityError if is_secure else ValueError)
        assert isinstance(exc.__cause__, InvalidStatus)


async def test_redirects_without_an_end(lib: Any) -> None:
    redirect = response("302 Found", "Location: /", "Content-Length: 0")
    async with answering(*[redirect] * 10) as (url, _):
        exc = await told(lib.connect(url, proxy=None).connect())
        assert type(exc) is SecurityError
        assert str(exc) == "more than 10 redirects"


async def test_a_program_that_decides_about_redirects(lib: Any) -> None:
    class Stubborn(lib.connect):  # type: ignore[misc]
        def process_redirect(self, exc: Exception) -> Any:
            assert isinstance(exc, InvalidStatus)
            return exc

    redirect = response("302 Found", "Location: /", "Content-Length: 0")
    async with answering(redirect) as (url, _):
        exc: Any = await told(Stubborn(url, proxy=None).connect())
        assert type(exc) is InvalidStatus
        assert exc.response.status_code == 302


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
            lib.connect("wss://a.example/", host="127.0.0.1", port=port, ssl=client_ssl, proxy=None)
            .connect()
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
            connecting = lib.connect(
                url, proxy=None, reconnect_delays=lambda: iter([0.0] * 9)
            )
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
