"""A prompt with line editing and history by GNU readline, where prompt_toolkit is not installed.

Raises `ImportError` if Python has another readline: BSD's does not tell when the prompt is drawn.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import re
import readline
import sys
import termios
import threading
from typing import Final

from ..console import CYAN, coloured, takes_colours

if "libedit" in (readline.__doc__ or ""):
    raise ImportError("readline is not GNU's")

_CLEAR_LINE: Final = "\r\x1b[K"
# Readline asks the terminal to mark pasted text. Nothing takes that back if `input` does not end.
_NO_PASTE_MARKS: Final = "\x1b[?2004l"


class ReadlineLines:
    """Reads lines from the terminal in a thread of its own, because `input` blocks.

    The thread is a daemon: nothing can end an `input` that waits for a key. Nor can anything ask
    readline to draw its line again, so this class does; if the cursor was not at the end of the
    line, it is drawn in the wrong place until the next line. prompt_toolkit has neither limit.

    Raises:
        termios.error: standard input is no terminal.
    """

    def __init__(self) -> None:
        self._terminal = sys.stdin.fileno()
        self._settings = termios.tcgetattr(self._terminal)
        self._asked: queue.SimpleQueue[asyncio.Future[list[bytes]]] = queue.SimpleQueue()
        self._is_shown = False
        # Held while the prompt is drawn, and while something else is printed.
        self._screen = threading.Lock()
        self._prompt = (coloured(">", CYAN) if takes_colours(sys.stdout) else ">") + " "
        threading.Thread(target=self._run, daemon=True).start()

    async def read(self) -> list[bytes]:
        """Wait for the next line; return an empty list at Ctrl-D.

        Cancelling this loses the line.
        """
        arrived: asyncio.Future[list[bytes]] = asyncio.get_running_loop().create_future()
        self._asked.put(arrived)
        return await arrived

    def _run(self) -> None:
        # Called once the prompt is drawn.
        readline.set_pre_input_hook(self._begin)
        # Readline does not count what is between \x01 and \x02.
        prompt = re.sub("(\x1b\\[[0-9]+m)", "\x01\\1\x02", self._prompt)
        while True:
            arrived = self._asked.get()
            self._screen.acquire()
            try:
                lines = [input(prompt).encode(errors="surrogateescape")]
            except (EOFError, OSError):
                lines = []
            self._end(lines)
            # RuntimeError: the loop is closed, so no task waits for this any more.
            with contextlib.suppress(RuntimeError):
                arrived.get_loop().call_soon_threadsafe(_settle, arrived, lines)

    def _begin(self) -> None:
        self._is_shown = True
        self._screen.release()

    def _end(self, lines: list[bytes]) -> None:
        if not self._is_shown:
            # The terminal was gone before the prompt could be drawn.
            self._screen.release()
        self._is_shown = False
        if not lines:
            # Readline ends the line only after Enter.
            sys.stdout.write("\n")
            sys.stdout.flush()

    def hide(self) -> None:
        """Clear the line with the prompt; none is drawn before `show`."""
        self._screen.acquire()
        if self._is_shown:
            sys.stdout.write(_CLEAR_LINE)
            sys.stdout.flush()

    def show(self) -> None:
        """Draw the prompt again, and what was typed."""
        if self._is_shown:
            sys.stdout.write(self._prompt + readline.get_line_buffer())
            sys.stdout.flush()
        self._screen.release()

    def close(self) -> None:
        """Leave the terminal as it was; no prompt is drawn any more."""
        self._screen.acquire()
        if self._is_shown:
            sys.stdout.write(_CLEAR_LINE + _NO_PASTE_MARKS)
            sys.stdout.flush()
        termios.tcsetattr(self._terminal, termios.TCSADRAIN, self._settings)


def _settle(arrived: asyncio.Future[list[bytes]], lines: list[bytes]) -> None:
    if not arrived.done():
        arrived.set_result(lines)
