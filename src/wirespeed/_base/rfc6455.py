"""The numbers of RFC 6455 (opcodes, close codes, limits) and the small types built on them.

Does no I/O.
"""

from __future__ import annotations

import enum
from typing import Final

OPCODE_CONTINUATION: Final = 0x0
OPCODE_TEXT: Final = 0x1
OPCODE_BINARY: Final = 0x2
OPCODE_CLOSE: Final = 0x8
OPCODE_PING: Final = 0x9
OPCODE_PONG: Final = 0xA

FIN_BIT: Final = 0x80
RESERVED_BITS: Final = 0x70
# Set on the first frame of a compressed message (RFC 7692 section 6).
RSV1_BIT: Final = 0x40
OPCODE_BITS: Final = 0x0F
MASK_BIT: Final = 0x80
LENGTH_BITS: Final = 0x7F
LENGTH_IS_16_BIT: Final = 126
LENGTH_IS_64_BIT: Final = 127

MAX_CONTROL_PAYLOAD_BYTES: Final = 125
MAX_CLOSE_REASON_BYTES: Final = MAX_CONTROL_PAYLOAD_BYTES - 2
DEFAULT_MAX_MESSAGE_BYTES: Final = 16 * 1024 * 1024

# One read from the entropy source is 256 masking keys. A system call for each key costs
# more than building the frame; with a block, a key costs a few nanoseconds.
MASKING_KEY_BLOCK_BYTES: Final = 1024

HANDSHAKE_GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class CloseCode(enum.IntEnum):
    """Registered close codes (RFC 6455 section 7.4.1 and the IANA registry)."""

    NORMAL_CLOSURE = 1000
    GOING_AWAY = 1001
    PROTOCOL_ERROR = 1002
    UNSUPPORTED_DATA = 1003
    NO_STATUS_RECEIVED = 1005
    ABNORMAL_CLOSURE = 1006
    INVALID_DATA = 1007
    POLICY_VIOLATION = 1008
    MESSAGE_TOO_BIG = 1009
    MANDATORY_EXTENSION = 1010
    INTERNAL_ERROR = 1011
    SERVICE_RESTART = 1012
    TRY_AGAIN_LATER = 1013
    BAD_GATEWAY = 1014
    TLS_HANDSHAKE = 1015


class MessageType(enum.IntEnum):
    """The type of a message; the values are the opcodes of RFC 6455 section 5.2."""

    TEXT = OPCODE_TEXT
    BINARY = OPCODE_BINARY


def is_sendable_close_code(code: int) -> bool:
    """Return whether a Close frame may carry `code` (RFC 6455 section 7.4).

    1004, 1005, 1006 and 1015 are never sent; 1016 to 2999 are not assigned.
    """
    return 1000 <= code <= 1003 or 1007 <= code <= 1014 or 3000 <= code <= 4999


class Binary:
    """The data of a binary message, in a queue in which text messages are `bytes`."""

    __slots__ = ("data",)

    def __init__(self, data: bytes) -> None:
        self.data = data

    def __len__(self) -> int:
        return len(self.data)


class Control:
    """A Ping or Pong in a queue, in the order in which it arrived between the messages."""

    __slots__ = ("opcode", "payload")

    def __init__(self, opcode: int, payload: bytes) -> None:
        self.opcode = opcode
        self.payload = payload

    def __len__(self) -> int:
        return len(self.payload)


class Fragment:
    """One frame of a fragmented message, in a queue that keeps the frames apart.

    Attributes:
        data: the payload; text is UTF-8 once the fragments are joined, and may be cut anywhere.
        is_text: whether the message is text.
        fin: whether this is the message's last frame.
    """

    __slots__ = ("data", "fin", "is_text")

    def __init__(self, data: bytes, is_text: bool, fin: bool) -> None:
        self.data = data
        self.is_text = is_text
        self.fin = fin

    def __len__(self) -> int:
        return len(self.data)


def undecoded(
    message: str | bytes | Control | Fragment,
) -> bytes | Binary | Control | Fragment:
    """Convert a queue entry for a queue in which text is `bytes`: binary becomes `Binary`."""
    if isinstance(message, str):
        return message.encode()
    return Binary(message) if isinstance(message, bytes) else message


def frame_header(opcode: int, payload_length: int, *, fin: bool = True) -> bytes:
    """Build the header of an unmasked frame (RFC 6455 section 5.2)."""
    first = opcode | (FIN_BIT if fin else 0)
    if payload_length < LENGTH_IS_16_BIT:
        return bytes((first, payload_length))
    if payload_length < 1 << 16:
        return bytes((first, LENGTH_IS_16_BIT)) + payload_length.to_bytes(2, "big")
    return bytes((first, LENGTH_IS_64_BIT)) + payload_length.to_bytes(8, "big")


def check_max_message_size(value: int | None) -> int | None:
    """Return the limit for the argument `max_message_size`; `None` for no limit.

    A payload length has 63 bits (RFC 6455 section 5.2). A limit of 2^63 bytes or more
    therefore counts as no limit, and every limit fits a signed 64-bit number.

    Raises:
        TypeError: `value` is neither `int` nor `None`; `bool` is refused too.
        ValueError: `value` is negative.
    """
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"max_message_size must be int or None, not {type(value).__name__}")
    if value < 0:
        raise ValueError(f"max_message_size must be 0 bytes or more, not {value}")
    return int(value) if value < 1 << 63 else None
