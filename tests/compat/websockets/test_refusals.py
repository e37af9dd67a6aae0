"""What programs are told of a server that refuses."""

from __future__ import annotations

from typing import Any

import pytest
from rawserver import RawConnection, raw_server
from websockets.exceptions import InvalidStatus
from websockets_programs import EACH_LIBRARY, told

pytestmark = EACH_LIBRARY


@pytest.mark.parametrize("status", [401, 503])
async def test_a_refusal_has_no_cause(lib: Any, status: int) -> None:
    async def refuse(connection: RawConnection) -> None:
        await connection.read_upgrade()
        head = f"HTTP/1.1 {status} No\r\nContent-Length: 3\r\nConnection: close\r\n\r\nno\n"
        await connection.write(head.encode())

    async with raw_server(refuse) as url:
        exc: Any = await told(lib.connect(url, proxy=None))
    assert type(exc) is InvalidStatus
    assert str(exc) == f"server rejected WebSocket connection: HTTP {status}"
    assert (exc.response.status_code, exc.response.body) == (status, b"no\n")
    assert exc.__cause__ is None
