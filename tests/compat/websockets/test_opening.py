"""Opening: what is asked for, refusals, redirects, and the ways to use `connect`."""

from __future__ import annotations

import socket
import ssl
from pathlib import Path
from typing import Any

import pytest
from rawserver import RawConnection, raw_server
from servers import Behaviour, websockets_server
from websockets.datastructures import Headers
from websockets.exceptions import (
    InvalidHandshake,
    InvalidHeader,
    InvalidHeaderValue,
    InvalidMessage,
    InvalidProxy,
    InvalidStatus,
    InvalidUpgrade,
    InvalidURI,
    NegotiationError,
    SecurityError,
)
from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.protocol import State
from websockets_programs import EACH_LIBRARY, answering, asked, response, told

pytestmark = EACH_LIBRARY


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


@pytest.mark.parametrize("compression", ["deflate", None])
async def test_extensions(lib: Any, compression: str | None) -> None:
    async with (
        websockets_server(Behaviour(compression=True)) as server,
        lib.connect(server.url, compression=compression, proxy=None) as ws,
    ):
        await ws.send("x" * 1000)
        assert await ws.recv() == "x" * 1000
        shown = [repr(extension) for extension in ws.protocol.extensions]
        assert shown == ([repr(PerMessageDeflate(False, False, 12, 12))] if compression else [])


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
        assert isinstance(exc.__cause__, ValueError)


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
    exc = await told(
        lib.connect("ws://a.example/", proxy="http://b.example", proxy_ssl=True).connect()
    )
    assert str(exc) == "proxy_ssl argument is incompatible with an http:// proxy"
    exc = await told(
        lib.connect("ws://a.example/", proxy="https://b.example", proxy_ssl=None).connect()
    )
    assert str(exc) == "proxy_ssl=None is incompatible with an https:// proxy"
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
        async with (
            answering(redirect) as (url, _),
            lib.connect(url, additional_headers=headers, proxy=None) as ws,
        ):
            assert ws.state is State.OPEN
    assert "authorization" not in seen[0].headers
    assert "cookie" not in seen[0].headers
    assert seen[0].headers["x-mine"] == "1"


async def test_a_redirect_on_a_unix_socket(lib: Any, tmp_path: Path) -> None:
    path = str(tmp_path / "socket")
    answers = [f"Location: {target}" for target in ("/there", "ws://b.example/")]

    async def handle(connection: RawConnection) -> None:
        await connection.read_upgrade()
        await connection.write(response("302 Found", answers.pop(0), "Content-Length: 0"))
        await connection.read_rest()

    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(path)
        async with raw_server(handle, sock=bound, connections=2):
            exc = await told(lib.unix_connect(path).connect())
            assert type(exc) is ValueError
            assert str(exc) == (
                "cannot follow cross-origin redirect to ws://b.example/ with a Unix socket"
            )


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
        known: dict[str, dict[str, Any]] = {
            "host": {"host": "127.0.0.1"},
            "port": {"port": port},
            "downgrade": {"ssl": client_ssl},
        }
        options = known.get(how) or {"sock": socket.create_connection(("127.0.0.1", port))}
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
