"""The example of docs/reconnect.md against a real server that comes and goes.

It is a program, so the tests run it and do not import it.
"""

from __future__ import annotations

import asyncio
import http
import json
import re
import sys
from pathlib import Path
from typing import Final

from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response

from wirespeed import Reconnect

ROOT: Final = Path(__file__).parents[2]
EXAMPLE: Final = ROOT / "examples" / "reconnect.py"


async def test_the_example() -> None:
    connections: list[ServerConnection] = []

    def refuse_the_third(connection: ServerConnection, request: Request) -> Response | None:
        connections.append(connection)
        if len(connections) < 3:
            return None
        return connection.respond(http.HTTPStatus.FORBIDDEN, "revoked")

    async def handle(connection: ServerConnection) -> None:
        number = len(connections)
        assert json.loads(await connection.recv()) == {"subscribe": "ticks"}
        await connection.send(json.dumps({"subscribed": "ticks"}))
        await connection.send(f"tick {number}")
        if number == 1:
            await connection.close(1012, "restart")
        else:
            await connection.ping()
            await connection.close(1001)

    async with serve(handle, "127.0.0.1", 0, process_request=refuse_the_third) as server:
        port = server.sockets[0].getsockname()[1]
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-W", "error", str(EXAMPLE), f"ws://127.0.0.1:{port}/"),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            async with asyncio.timeout(30):
                out, err = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
    assert out.decode().splitlines() == ["tick 1", "tick 2"]
    assert process.returncode == 1
    log = err.decode()
    assert re.findall(r"INFO connection to \S+ has ended: .* code (\d+)", log) == ["1012", "1001"]
    assert "403" in log
    assert "gave up after 1 attempt" in log


def test_the_page_tells_of_every_field() -> None:
    page = (ROOT / "docs" / "reconnect.md").read_text(encoding="utf-8")
    for name in Reconnect.__dataclass_fields__:
        assert f"| `{name}` |" in page
