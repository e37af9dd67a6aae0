"""A prompt with line editing and history by prompt_toolkit, which the extra `cli` installs."""

from __future__ import annotations

import signal
import sys
from typing import Final

from prompt_toolkit import PromptSession
from prompt_toolkit.formatted_text import FormattedText
from prompt_toolkit.history import InMemoryHistory
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.output import create_output
from prompt_toolkit.output.vt100 import Vt100_Output

from ..console import takes_colours

_MARK: Final = "> "


class EditedLines:
    """Reads lines from the terminal. The history is not kept in a file: it may hold secrets."""

    def __init__(self) -> None:
        style = "ansicyan" if takes_colours(sys.stdout) else ""
        output = create_output(sys.stdout)
        if isinstance(output, Vt100_Output):
            # Where the cursor is matters for menus only, and an answer that comes after the end
            # would be typed into the shell.
            output.enable_cpr = False
        self._session: PromptSession[str] = PromptSession(
            FormattedText([(style, _MARK)]),
            history=InMemoryHistory(),
            key_bindings=_keys(),
            output=output,
        )

    async def read(self) -> list[bytes]:
        """Wait for the next line; return an empty list at Ctrl-D.

        Cancelling this loses what the user has typed.
        """
        try:
            line = await self._session.prompt_async(
                set_exception_handler=False, handle_sigint=False
            )
        except EOFError:
            return []
        return [line.encode(errors="surrogateescape")]

    def hide(self) -> None:
        """Clear the prompt."""
        if self._session.app.is_running:
            self._session.app.renderer.erase()

    def show(self) -> None:
        """Draw the prompt again, in a later turn of the event loop."""
        if self._session.app.is_running:
            self._session.app.invalidate()

    def close(self) -> None:
        """Prepare for the end of `read`, which leaves the terminal as it was."""
        self._session.app.erase_when_done = True


def _keys() -> KeyBindings:
    keys = KeyBindings()

    @keys.add("c-c")
    def interrupt(event: KeyPressEvent) -> None:
        # The keyboard is in raw mode, so the terminal does not send the signal.
        signal.raise_signal(signal.SIGINT)

    return keys
