"""What the error says if there is no connection: the host, the port and the reason."""

from __future__ import annotations

import asyncio
import errno
import socket
from pathlib import Path
from typing import Any

import pytest
from resolving import NAME, closed_port, resolve

import wirespeed

pytestmark = pytest.mark.usefixtures("transports")


async def test_a_refusal_names_host_and_port(monkeypatch: pytest.MonkeyPatch) -> None:
    with closed_port() as closed:
        port = closed.getsockname()[1]
        with pytest.raises(
            ConnectionRefusedError, match=rf"cannot connect to 127\.0\.0\.1:{port}: "
        ):
            await wirespeed.connect(f"ws://127.0.0.1:{port}/")
        resolve(monkeypatch, closed, closed)
        with pytest.raises(
            ConnectionRefusedError, match=f"cannot connect to {NAME}:80: "
        ) as caught:
            await wirespeed.connect(f"ws://{NAME}/")
    assert caught.value.errno == errno.ECONNREFUSED


async def test_a_name_that_is_not_found_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    async def find_nothing(*_: object, **__: object) -> list[Any]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(type(asyncio.get_running_loop()), "getaddrinfo", find_nothing)
    text = f"cannot find an address of {NAME}:80: Name or service not known"
    with pytest.raises(socket.gaierror, match=text) as caught:
        await wirespeed.connect(f"ws://{NAME}/")
    assert caught.value.errno == socket.EAI_NONAME


async def test_a_unix_socket_that_is_not_there_is_named(tmp_path: Path) -> None:
    path = tmp_path / "feed.sock"
    with pytest.raises(FileNotFoundError, match=str(path)):
        await wirespeed.connect("ws://localhost/", unix_path=path)
