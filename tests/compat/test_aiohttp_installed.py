"""aiohttp's own sessions, whose WebSockets the drop-in opens."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from ends import turns
from servers import aiohttp_server

from wirespeed import compat
from wirespeed.compat import aiohttp as dropin


@pytest.fixture
def installed() -> Iterator[None]:
    """Install the drop-in for one test."""
    before = (aiohttp.ClientSession.ws_connect, aiohttp.ClientSession.close, aiohttp.WSMessage)
    compat.install("aiohttp")
    yield
    compat.uninstall("aiohttp")
    after = (aiohttp.ClientSession.ws_connect, aiohttp.ClientSession.close, aiohttp.WSMessage)
    assert after == before


@pytest.mark.usefixtures("installed")
async def test_a_program_that_imports_aiohttp() -> None:
    async with (
        aiohttp_server() as server,
        aiohttp.ClientSession(headers={"X-One": "1"}) as session,
        session.ws_connect(server.url) as ws,
    ):
        assert type(session).__module__ == "aiohttp.client"
        assert isinstance(ws, dropin.ClientWebSocketResponse)
        assert isinstance(ws, aiohttp.ClientWebSocketResponse)
        await ws.send_str("x")
        message: Any = await ws.receive()
        assert isinstance(message, aiohttp.WSMessage)
        assert (message.type, message.data) == (aiohttp.WSMsgType.TEXT, "x")
    await turns(5)


@pytest.mark.usefixtures("installed")
async def test_the_session_and_its_settings_are_used() -> None:
    seen: list[Any] = []

    async def handle(request: web.Request) -> web.StreamResponse:
        seen.append(request)
        if request.path == "/plain":
            response = web.Response(text="plain")
            response.set_cookie("a", "b")
            return response
        ws = web.WebSocketResponse()
        await ws.prepare(request)
        async for _ in ws:
            pass
        return ws

    app = web.Application()
    app.router.add_get("/{path}", handle)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    jar = aiohttp.CookieJar(unsafe=True)
    session = aiohttp.ClientSession(f"http://{host}:{port}/", cookie_jar=jar)
    session.headers["X-One"] = "1"
    async with session.get("plain") as response:
        assert await response.text() == "plain"
    ws = await session.ws_connect("ws")
    session.headers["X-One"] = "2"
    other = await session.ws_connect("ws")
    assert [request.headers.get("X-One") for request in seen] == ["1", "1", "2"]
    assert [request.cookies.get("a") for request in seen] == [None, "b", "b"]
    await session.close()
    assert ws.closed
    assert other.closed
    with pytest.raises(RuntimeError, match="Session is closed"):
        await session.ws_connect("ws")
    await runner.cleanup()
    await turns(5)


@pytest.mark.usefixtures("installed")
async def test_errors_are_aiohttps() -> None:
    async with aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.ClientConnectorError):
            await session.ws_connect("ws://127.0.0.1:9/")
        with pytest.raises(aiohttp.NonHttpUrlClientError):
            await session.ws_connect("ftp://a.example/")
    await turns(5)


@pytest.mark.parametrize("blocked", [False, True], ids=["installed", "not installed"])
def test_running_a_program(blocked: bool, tmp_path: Path) -> None:
    script = tmp_path / "program.py"
    script.write_text(
        "import aiohttp, sys\n"
        "from aiohttp.client_exceptions import WSServerHandshakeError\n"
        "print(aiohttp.ClientSession.ws_connect.__module__, sys.argv[1:])\n"
    )
    block = (
        "class Block:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.partition('.')[0] == 'aiohttp':\n"
        "            raise ModuleNotFoundError(name, name=name)\n"
        "sys.meta_path.insert(0, Block())\n"
    )
    program = "import sys\n" + (block if blocked else "")
    program += (
        f"from wirespeed.compat.__main__ import main\nmain(['aiohttp', {str(script)!r}, 'x'])"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", program], capture_output=True, text=True, check=False
    )
    module = "_session" if blocked else "_in_place"
    assert done.stdout == f"wirespeed.compat.aiohttp.{module} ['x']\n", done.stderr
