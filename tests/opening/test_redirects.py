"""Redirects of real servers: where the client ends up, what it sends them, what it leaves.

No name server is needed: addresses are numbers, and the system chooses the ports.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
from aiohttp import web
from ends import collect, turns
from rawserver import RawConnection, Upgrade, accept_response, raw_server

import wirespeed
from wirespeed import HandshakeError, OpenTimeout

pytestmark = pytest.mark.usefixtures("transports")

SECRET = "pa55word"

Route = Callable[[Upgrade], str | None]


@contextlib.asynccontextmanager
async def redirecting(
    route: Route, *, connections: int = 1, context: ssl.SSLContext | None = None
) -> AsyncIterator[tuple[str, list[Upgrade]]]:
    """Start a server that redirects to the Location from `route`, or accepts if that is `None`.

    Yields its URL, and the requests that it received.
    """
    requests: list[Upgrade] = []

    async def serve(connection: RawConnection) -> None:
        upgrade = await connection.read_upgrade()
        requests.append(upgrade)
        location = route(upgrade)
        if location is None:
            await connection.write(accept_response(upgrade))
            await connection.close_politely()
        else:
            # The body never arrives.
            head = f"HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 99\r\n\r\n"
            await connection.write(head.encode())
            assert await connection.read_rest() == b""

    async with raw_server(serve, connections=connections, ssl=context) as url:
        yield url, requests


def path(upgrade: Upgrade) -> str:
    return upgrade.line.split(" ")[1]


def steps(*locations: str) -> Route:
    """Redirect to one location after the other, then accept."""
    left = list(locations)
    return lambda upgrade: left.pop(0) if left else None


async def test_to_another_path() -> None:
    async with redirecting(steps("/b/c?d#e", "../f"), connections=3) as (url, requests):
        asked = url.replace("//", f"//user:{SECRET}@")
        async with wirespeed.connect(asked, headers={"Cookie": "a=1"}) as connection:
            assert await collect(connection) == []
            response = connection.response
            assert response.status == 101
            assert response.url == f"{url}f"
            assert [entry.url for entry in response.history] == [url, f"{url}b/c?d"]
            assert {entry.status for entry in response.history} == {302}
            assert response.history[1].headers["location"] == "../f"
    assert [path(upgrade) for upgrade in requests] == ["/", "/b/c?d", "/f"]
    assert len({upgrade.headers["authorization"] for upgrade in requests}) == 1
    assert {upgrade.headers["cookie"] for upgrade in requests} == {"a=1"}
    assert len({upgrade.headers["sec-websocket-key"] for upgrade in requests}) == 3


async def test_without_redirects_there_is_no_history() -> None:
    async with (
        redirecting(steps()) as (url, _),
        wirespeed.connect(url) as connection,
    ):
        assert connection.response.history == ()
        assert connection.response.url == url
        assert await collect(connection) == []


async def test_another_server_is_told_no_secret() -> None:
    async with (
        redirecting(steps()) as (last, told),
        redirecting(steps(f"{last}x")) as (first, asked),
    ):
        options: dict[str, Any] = {
            "headers": {"Proxy-Authorization": SECRET, "X-Kept": "1"},
            "auth": ("user", SECRET),
            "cookies": {"session": SECRET},
            "origin": "http://example.com",
        }
        async with wirespeed.connect(first, **options) as connection:
            assert await collect(connection) == []
    assert {"authorization", "cookie", "proxy-authorization"} <= asked[0].headers.keys()
    assert SECRET not in str(told)
    assert {"authorization", "cookie", "proxy-authorization"}.isdisjoint(told[0].headers)
    assert told[0].headers["host"] == urlsplit(last).netloc
    assert (told[0].headers["x-kept"], told[0].headers["origin"]) == ("1", "http://example.com")


async def test_from_ws_to_wss_and_never_back(
    server_ssl: ssl.SSLContext, client_ssl: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wirespeed._network.tls._default_context", lambda: client_ssl)
    async with redirecting(steps("https"), context=server_ssl) as (secure, _):
        with pytest.raises(HandshakeError, match="loop") as caught:
            await wirespeed.connect(f"{secure}https")
        assert len(caught.value.history) == 0
    async with (
        redirecting(steps(), context=server_ssl) as (secure, told),
        redirecting(steps(secure.replace("wss:", "https:"))) as (plain, _),
        wirespeed.connect(f"http{plain.removeprefix('ws')}", cookies={"a": SECRET}) as connection,
    ):
        assert connection.response.url == secure
        assert SECRET not in str(told)
        assert await collect(connection) == []
    async with redirecting(steps("ws://127.0.0.1:9/"), context=server_ssl) as (secure, _):
        with pytest.raises(HandshakeError, match="redirect from wss to ws") as caught:
            await wirespeed.connect(secure)
        assert caught.value.status == 302


async def test_a_loop_of_two_servers() -> None:
    places: list[str] = []
    async with (
        redirecting(lambda _: places[1]) as (first, _),
        redirecting(lambda _: places[0]) as (second, _),
    ):
        places += [first, second]
        with pytest.raises(HandshakeError, match="redirect loop: redirect 2 leads") as caught:
            await wirespeed.connect(first)
        assert [entry.url for entry in caught.value.history] == [first]


@pytest.mark.parametrize("limit", [0, 1, 3])
async def test_a_long_chain(limit: int) -> None:
    async with redirecting(lambda upgrade: f"{path(upgrade)}x", connections=limit + 1) as (url, _):
        with pytest.raises(HandshakeError) as caught:
            await wirespeed.connect(url, max_redirects=limit, open_timeout=0.1 if not limit else 10)
        assert caught.value.status == 302
        assert caught.value.headers["location"] == f"/{'x' * (limit + 1)}"
        assert len(caught.value.history) == limit
        assert (f"over {limit} redirects" in str(caught.value)) is (limit > 0)


@pytest.mark.parametrize("location", ["ftp://127.0.0.1/", "ws://", f"ws://u:{SECRET}@127.0.0.1/"])
async def test_a_location_that_is_none(location: str) -> None:
    async with redirecting(steps(location)) as (url, _):
        with pytest.raises(HandshakeError, match="header Location is invalid") as caught:
            await wirespeed.connect(url)
        assert caught.value.headers["location"] == location
        assert SECRET not in f"{caught.value!r}"


async def test_a_refusal_behind_a_redirect() -> None:
    async def serve(connection: RawConnection) -> None:
        await connection.read_upgrade()
        await connection.write(b"HTTP/1.1 503 No\r\nRetry-After: 7\r\nContent-Length: 2\r\n\r\nno")

    async with raw_server(serve) as last, redirecting(steps(last)) as (first, _):
        with pytest.raises(HandshakeError) as caught:
            await wirespeed.connect(first)
        assert (caught.value.status, caught.value.body) == (503, b"no")
        assert caught.value.retry_after == 7.0
        assert [entry.url for entry in caught.value.history] == [first]


async def test_one_deadline_over_all() -> None:
    async def never_answer(connection: RawConnection) -> None:
        await connection.read_rest()

    async with raw_server(never_answer) as last, redirecting(steps(last)) as (first, _):
        with pytest.raises(OpenTimeout, match=r"within 0\.2 seconds") as caught:
            await wirespeed.connect(first, open_timeout=0.2)
        assert [entry.url for entry in caught.value.history] == [first]


@pytest.mark.parametrize(
    "head",
    [
        "HTTP/1.1 403 No\r\nContent-Length: 99\r\n\r\n",
        "HTTP/1.1 403 No\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n",
        "HTTP/1.1 403 No\r\n\r\n",
    ],
    ids=["sized", "chunked", "until the end"],
)
async def test_a_body_that_is_late_is_given_as_far_as_it_came(head: str) -> None:
    async def serve(connection: RawConnection) -> None:
        await connection.read_upgrade()
        await connection.write(f"{head}sorry".encode())
        await connection.read_rest()

    async with raw_server(serve) as url:
        with pytest.raises(HandshakeError) as caught:
            await wirespeed.connect(url, open_timeout=0.2)
        assert not isinstance(caught.value, OpenTimeout)
        assert (caught.value.status, caught.value.body) == (403, b"sorry")


@pytest.mark.parametrize("step", [*range(20), 50])
async def test_cancelling_leaves_nothing(step: int) -> None:
    async def serve(connection: RawConnection) -> None:
        # If the client gives up with data unread, its socket is reset.
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            upgrade = await connection.read_upgrade()
            location = f"{path(upgrade)}x"
            await connection.write(f"HTTP/1.1 302 Found\r\nLocation: {location}\r\n\r\n".encode())
            await connection.read_rest()

    async with raw_server(serve, connections=0) as url:
        opening = asyncio.ensure_future(_open(url))
        await turns(step)
        opening.cancel()
        with pytest.raises((asyncio.CancelledError, HandshakeError)):
            await opening


async def _open(url: str) -> None:
    await wirespeed.connect(url)


@contextlib.asynccontextmanager
async def aiohttp_app(*routes: web.RouteDef) -> AsyncIterator[str]:
    app = web.Application()
    app.add_routes(routes)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        yield f"ws://{host}:{port}"
    finally:
        await runner.cleanup()


def moved(kind: Callable[[str], web.HTTPException], location: str) -> Callable[..., Awaitable[Any]]:
    async def handle(_: web.Request) -> web.StreamResponse:
        raise kind(location)

    return handle


async def greet(request: web.Request) -> web.WebSocketResponse:
    """Send back what the request said."""
    ws = web.WebSocketResponse()
    await ws.prepare(request)
    await ws.send_json({"cookies": dict(request.cookies), "query": dict(request.query)})
    await ws.close()
    return ws


async def test_redirects_of_aiohttp() -> None:
    kinds: list[Callable[[str], web.HTTPException]] = [
        web.HTTPMovedPermanently,
        web.HTTPFound,
        web.HTTPSeeOther,
        web.HTTPTemporaryRedirect,
        web.HTTPPermanentRedirect,
    ]
    routes = [
        web.get(f"/{number}", moved(kind, f"{number + 1}?a=ü b"))
        for number, kind in enumerate(kinds)
    ]
    async with (
        aiohttp_app(*routes, web.get(f"/{len(kinds)}", greet)) as url,
        wirespeed.connect(f"{url}/0", cookies={"a": "1", "b": '"2"'}) as connection,
    ):
        statuses = [entry.status for entry in connection.response.history]
        assert statuses == [301, 302, 303, 307, 308]
        said = await connection.receive_json()
        assert said == {"cookies": {"a": "1", "b": "2"}, "query": {"a": "ü b"}}


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"max_redirects": -1}, ValueError),
        ({"max_redirects": None}, TypeError),
        ({"max_redirects": 1.5}, TypeError),
        ({"max_redirects": True}, TypeError),
        ({"auth": "user:password"}, TypeError),
        ({"auth": ("us:er", "password")}, ValueError),
        ({"cookies": "a=1"}, TypeError),
        ({"cookies": {"a": "b;c"}}, ValueError),
        ({"origin": 5}, TypeError),
        ({"user_agent": "a\nb"}, ValueError),
    ],
    ids=repr,
)
async def test_wrong_arguments(arguments: dict[str, Any], error: type[Exception]) -> None:
    async def never_called(connection: RawConnection) -> None:
        raise AssertionError("a connection was opened")

    async with raw_server(never_called, connections=0) as url:
        with pytest.raises(error):
            await wirespeed.connect(url, **arguments)
