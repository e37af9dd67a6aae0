"""The commands on a terminal: what the user types, what appears, how they end."""

from __future__ import annotations

import asyncio
import re
import sys

import pytest
from commandline import Terminal, on_terminal
from rawserver import TEXT, RawConnection, raw_server

# Windows has no pseudo-terminals of this kind.
if sys.platform != "win32":
    pytestmark = pytest.mark.loops("asyncio")

    async def answer(connection: RawConnection) -> None:
        """Answer each text message in capitals until the client closes."""
        await connection.accept()
        while (frame := await connection.read_frame()).opcode == TEXT:
            await connection.write(b"\x81" + bytes([len(frame.payload)]) + frame.payload.upper())
        await connection.write(b"\x88\x02\x03\xe8")

    async def test_typed_lines_are_sent_and_ctrl_d_closes() -> None:
        def talk(url: str) -> Terminal:
            with on_terminal("connect", url) as terminal:
                terminal.read_until(f"connected to {url}; Ctrl-D closes")
                terminal.type("hello\n")
                terminal.read_until("HELLO")
                terminal.type("again\n")
                terminal.read_until("AGAIN")
                # On a terminal, Ctrl-D means the end of the input only at the start of a line.
                terminal.type("tail\x04")
                terminal.type("\x04")
                assert terminal.wait() == 0
            return terminal

        async with raw_server(answer) as url:
            terminal = await asyncio.to_thread(talk, url)
        assert "TAIL" in terminal.seen
        assert terminal.seen.endswith("closed with code 1000 (normal closure)\r\n")

    async def test_control_characters_of_the_server_do_not_reach_the_terminal() -> None:
        async def serve(connection: RawConnection) -> None:
            await connection.accept(trailing=b"\x81\x07\x1b[31mhi")
            await connection.close_politely()

        def watch(url: str) -> Terminal:
            with on_terminal("connect", url) as terminal:
                assert terminal.wait() == 0
            return terminal

        async with raw_server(serve) as url:
            terminal = await asyncio.to_thread(watch, url)
        assert "\\x1b[31mhi\r\n" in terminal.seen
        assert "\x1b" not in terminal.seen

    def test_the_demo_keeps_one_line_up_to_date() -> None:
        with on_terminal("demo", "--seconds", "0.5") as terminal:
            assert terminal.wait() == 0
        lines = terminal.seen.split("\r\n")
        live = re.compile(r"\r[\d,]+ messages in \d\.\d of 0\.5 s +[\d,]+ messages/s")
        assert len(live.findall(lines[1])) > 1
        assert "in order" in terminal.seen
