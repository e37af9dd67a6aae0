"""Each mistake of the table raises the error that it must, and harms nothing."""

from __future__ import annotations

import contextlib
import inspect
import socket
import ssl
from pathlib import Path
from typing import Any

from ends import both_ends, nothing_left

import wirespeed

PROGRAM: dict[str, Any] = {
    "connect": wirespeed.connect,
    "Deflate": wirespeed.Deflate,
    "Heartbeat": wirespeed.Heartbeat,
    "Reconnect": wirespeed.Reconnect,
    "aiter": aiter,
    "ssl": ssl,
}


def table() -> list[tuple[str, str]]:
    """Return the pairs of code and error."""
    text = Path(__file__).with_name("mistakes.txt").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line and line[0] != "#"]
    return list(zip(lines[::2], [line.strip() for line in lines[1::2]], strict=True))


async def error_of(code: str, names: dict[str, Any]) -> str:
    """Run the code, await the result, and return the error as a traceback would show it."""
    try:
        result = eval(code, names)
        if inspect.isawaitable(result):
            await result
    except Exception as exc:
        return f"{type(exc).__name__}: {exc}"
    return "no error"


async def test_each_mistake() -> None:
    assert len(table()) >= 60
    async with nothing_left(), both_ends() as (ws, server):
        with contextlib.closing(socket.socket()) as sock:
            for code, error in table():
                assert await error_of(code, {**PROGRAM, "ws": ws, "sock": sock}) == error, code
        await ws.send_text("still here")
        # `send_many` sends what comes before the message that cannot be sent.
        for payload in (b"a", b"still here"):
            assert (await server.read_frame()).payload == payload


async def test_names_of_others_are_not_offered() -> None:
    async with both_ends() as (ws, _):
        assert not hasattr(ws, "recv")
        assert "recv" not in dir(ws)
        assert {"receive", "close", "_dumps"} <= set(dir(ws))


def test_the_table_has_no_doubles() -> None:
    codes = [code for code, _ in table()]
    assert len(codes) == len(set(codes))
