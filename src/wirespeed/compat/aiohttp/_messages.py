"""The message types and close codes of `aiohttp`."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Final

from ..._codec import backend

if TYPE_CHECKING or not backend.COMPILED:
    from ..._channel import TypedReceiver, WSMessage
else:
    from ..._channel_c import TypedReceiver, WSMessage

__all__ = ["CLOSED", "CLOSING", "TypedReceiver", "WSCloseCode", "WSMessage", "WSMsgType"]


class WSMsgType(enum.IntEnum):
    """The type of a message; values below 0x100 are the opcodes of RFC 6455 section 5.2."""

    CONTINUATION = 0x0
    TEXT = 0x1
    BINARY = 0x2
    CLOSE = 0x8
    PING = 0x9
    PONG = 0xA
    # The server does not send these.
    CLOSING = 0x100
    CLOSED = 0x101
    ERROR = 0x102

    # The names in the first versions of aiohttp.
    text = TEXT
    binary = BINARY
    close = CLOSE
    ping = PING
    pong = PONG
    closing = CLOSING
    closed = CLOSED
    error = ERROR


class WSCloseCode(enum.IntEnum):
    """Registered close codes (RFC 6455 section 7.4.1)."""

    OK = 1000
    GOING_AWAY = 1001
    PROTOCOL_ERROR = 1002
    UNSUPPORTED_DATA = 1003
    ABNORMAL_CLOSURE = 1006
    INVALID_TEXT = 1007
    POLICY_VIOLATION = 1008
    MESSAGE_TOO_BIG = 1009
    MANDATORY_EXTENSION = 1010
    INTERNAL_ERROR = 1011
    SERVICE_RESTART = 1012
    TRY_AGAIN_LATER = 1013
    BAD_GATEWAY = 1014


CLOSING: Final = WSMessage(WSMsgType.CLOSING, None, None)
CLOSED: Final = WSMessage(WSMsgType.CLOSED, None, None)
