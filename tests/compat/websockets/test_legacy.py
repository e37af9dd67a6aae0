"""The old client of `websockets`: its parameters, names and errors."""

from __future__ import annotations

import asyncio
import importlib
import warnings
from typing import Any

import pytest
from ends import close_frame, text_frame
from rawserver import RawConnection, raw_server
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosedError, ConnectionClosedOK
from websockets.protocol import State
from websockets_programs import answering, end, kind_of, response, told

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    REAL: Any = importlib.import_module("websockets.legacy.client")
    ERRORS: Any = importlib.import_module("websockets.legacy.exceptions")
FACE: Any = importlib.import_module("wirespeed.compat.websockets.legacy.client")

pytestmark = [
    pytest.mark.parametrize("lib", [REAL, FACE], ids=["websockets", "face"]),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]


class Own:
    """What a program adds to the class of its connections."""

    def shout(self) -> str:
        return "!"


@pytest.mark.parametrize("name", ["klass", "create_protocol"])
async def test_a_program_for_the_old_client(lib: Any, name: str) -> None:
    protocol: Any = type("Protocol", (Own, lib.WebSocketClientProtocol), {})

    async def handle(connection: RawConnection) -> None:
        upgrade = await connection.accept()
        assert upgrade.headers["x-one"] == "1"
        await connection.write(text_frame("hello"))
        assert (await connection.read_frame()).payload == b"hi"
        await connection.write(close_frame(4000, "enough"))
        assert await connection.expect_close() == (4000, "enough")

    async with raw_server(handle) as url:
        loop = asyncio.get_running_loop()
        ws: Any = await lib.connect(
            f"{url}path?x=1",
            extra_headers=Headers({"X-One": "1"}),
            timeout=5,
            loop=loop,
            read_limit=1000,
            **{name: protocol},
        )
        assert kind_of(ws) is protocol
        assert ws.shout() == "!"
        assert (ws.open, ws.closed, ws.state) == (True, False, State.OPEN)
        assert (ws.host, ws.secure, ws.path) == ("127.0.0.1", False, "/path?x=1")
        assert url == f"ws://{ws.host}:{ws.port}/"
        assert ws.response_headers["upgrade"] == "websocket"
        assert ws.request_headers["x-one"] == "1"
        assert await ws.recv() == "hello"
        await ws.send("hi")
        exc: Any = await told(ws.recv())
        assert kind_of(exc) is ConnectionClosedError
        assert (exc.code, exc.reason) == (4000, "enough")
        await ws.wait_closed()
        assert (ws.open, ws.closed, ws.state) == (False, True, State.CLOSED)
        assert (ws.close_code, ws.close_reason) == (4000, "enough")


async def test_a_refusal(lib: Any) -> None:
    async with answering(response("403 Forbidden", "X-Why: a", "Content-Length: 0")) as (url, _):

        async def connect() -> None:
            await lib.connect(url)

        exc: Any = await told(connect())
        assert kind_of(exc) is ERRORS.InvalidStatusCode
        assert exc.status_code == 403
        assert exc.headers["x-why"] == "a"


async def test_old_names_of_parameters_warn(lib: Any) -> None:
    for options, text in (({"timeout": 1}, "close_timeout"), ({"klass": Own}, "create_protocol")):
        with pytest.warns(DeprecationWarning, match=f"rename .* to {text}"):
            lib.connect("ws://a.example/", **options)


async def test_iterating(lib: Any) -> None:
    async def handle(connection: RawConnection) -> None:
        await connection.accept()
        await connection.write(text_frame("a") + text_frame("b") + close_frame())
        await connection.expect_close()
        await end(connection)

    async with raw_server(handle) as url, lib.connect(url, compression=None) as ws:
        assert [message async for message in ws] == ["a", "b"]
        assert type(await told(ws.recv())) is ConnectionClosedOK
