"""The states of a connection (RFC 6455 section 4)."""

from __future__ import annotations

import enum
from typing import Final

__all__ = ["CLIENT", "CLOSED", "CLOSING", "CONNECTING", "OPEN", "SERVER", "Side", "State"]


class Side(enum.IntEnum):
    """A side of a connection."""

    SERVER, CLIENT = range(2)


class State(enum.IntEnum):
    """A state of a connection."""

    CONNECTING, OPEN, CLOSING, CLOSED = range(4)


SERVER: Final = Side.SERVER
CLIENT: Final = Side.CLIENT
CONNECTING: Final = State.CONNECTING
OPEN: Final = State.OPEN
CLOSING: Final = State.CLOSING
CLOSED: Final = State.CLOSED
