"""The client against nginx, which ends TLS and relays to a server of another package."""

from __future__ import annotations

import ssl
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import trustme
from reverseproxy import NGINX, nginx
from servers import websockets_server

import wirespeed
from wirespeed import CloseCode

pytestmark = [
    pytest.mark.usefixtures("transports"),
    pytest.mark.skipif(NGINX is None, reason="nginx is not installed; it is no package of PyPI"),
]


@pytest.fixture
def directory() -> Iterator[Path]:
    """Make a directory whose name is short enough for a unix socket in it."""
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


class Front:
    """Connects through nginx."""

    def __init__(self, ca: trustme.CA, context: ssl.SSLContext, directory: Path) -> None:
        self._ca = ca
        self._context = context
        self._directory = directory
        self._stack = ExitStack()

    def connect(self, behind: str, path: str = "") -> wirespeed.Connecting:
        """Start nginx in front of `behind`, and connect to a path of it."""
        url = behind.replace("ws://", "http://").rstrip("/")
        proxy = self._stack.enter_context(nginx(url, self._ca, self._directory))
        return wirespeed.connect(f"{proxy.url}{path}", ssl=self._context, unix_path=proxy.unix_path)

    def close(self) -> None:
        """Stop nginx."""
        self._stack.close()


@pytest.fixture
def front(ca: trustme.CA, client_ssl: ssl.SSLContext, directory: Path) -> Iterator[Front]:
    """Yield an object that connects through nginx."""
    front = Front(ca, client_ssl, directory)
    yield front
    front.close()


async def test_messages_pass_both_ways(front: Front) -> None:
    async with websockets_server() as server, front.connect(server.url) as ws:
        for size in (0, 1, 125, 126, 65_536, 1 << 20):
            await ws.send_text("x" * size)
            assert await ws.receive_text() == "x" * size
        assert await (await ws.ping()) > 0


async def test_a_redirect_is_followed(front: Front) -> None:
    async with websockets_server() as server, front.connect(server.url, "moved") as ws:
        await ws.send_text("here")
        assert await ws.receive_text() == "here"


async def test_a_refusal_says_what_nginx_says(front: Front) -> None:
    async with websockets_server() as server:
        with pytest.raises(wirespeed.HandshakeError) as caught:
            await front.connect(server.url, "forbidden")
    assert (caught.value.status, caught.value.body) == (403, b"members only")


async def test_retry_after(front: Front) -> None:
    async with websockets_server() as server:
        with pytest.raises(wirespeed.HandshakeError) as caught:
            await front.connect(server.url, "busy")
    assert (caught.value.status, caught.value.retry_after) == (503, 7.0)


async def test_a_backend_that_is_down(front: Front) -> None:
    async with websockets_server() as server:
        with pytest.raises(wirespeed.HandshakeError) as caught:
            await front.connect(server.url, "nowhere")
    assert caught.value.status == 502


async def test_an_idle_connection_that_nginx_drops(front: Front) -> None:
    async with websockets_server() as server, front.connect(server.url, "impatient") as ws:
        with pytest.raises(wirespeed.ConnectionDisconnected) as caught:
            await ws.receive()
    assert caught.value.code == CloseCode.ABNORMAL_CLOSURE
