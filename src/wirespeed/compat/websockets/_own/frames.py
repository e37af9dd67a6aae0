"""Close codes and what a Close frame says."""

from __future__ import annotations

import dataclasses
import enum
from typing import Final

from ...._base.rfc6455 import is_sendable_close_code
from .exceptions import ProtocolError

__all__ = [
    "CLOSE_CODE_EXPLANATIONS",
    "OK_CLOSE_CODES",
    "Close",
    "CloseCode",
    "Opcode",
]


class Opcode(enum.IntEnum):
    """The opcodes of RFC 6455 section 5.2."""

    CONT, TEXT, BINARY = 0x0, 0x1, 0x2
    CLOSE, PING, PONG = 0x8, 0x9, 0xA


class CloseCode(enum.IntEnum):
    """Registered close codes (RFC 6455 section 7.4.1)."""

    NORMAL_CLOSURE = 1000
    GOING_AWAY = 1001
    PROTOCOL_ERROR = 1002
    UNSUPPORTED_DATA = 1003
    # 1004 is reserved
    NO_STATUS_RCVD = 1005
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


CLOSE_CODE_EXPLANATIONS: Final[dict[int, str]] = {
    CloseCode.NORMAL_CLOSURE: "OK",
    CloseCode.GOING_AWAY: "going away",
    CloseCode.PROTOCOL_ERROR: "protocol error",
    CloseCode.UNSUPPORTED_DATA: "unsupported data",
    CloseCode.NO_STATUS_RCVD: "no status received [internal]",
    CloseCode.ABNORMAL_CLOSURE: "abnormal closure [internal]",
    CloseCode.INVALID_DATA: "invalid frame payload data",
    CloseCode.POLICY_VIOLATION: "policy violation",
    CloseCode.MESSAGE_TOO_BIG: "message too big",
    CloseCode.MANDATORY_EXTENSION: "mandatory extension",
    CloseCode.INTERNAL_ERROR: "internal error",
    CloseCode.SERVICE_RESTART: "service restart",
    CloseCode.TRY_AGAIN_LATER: "try again later",
    CloseCode.BAD_GATEWAY: "bad gateway",
    CloseCode.TLS_HANDSHAKE: "TLS handshake failure [internal]",
}

OK_CLOSE_CODES: Final = frozenset(
    {CloseCode.NORMAL_CLOSURE, CloseCode.GOING_AWAY, CloseCode.NO_STATUS_RCVD}
)


@dataclasses.dataclass
class Close:
    """Code and reason of a Close frame.

    Attributes:
        code: the close code.
        reason: the close reason; may be empty.
    """

    code: CloseCode | int
    reason: str

    def __str__(self) -> str:
        if 3000 <= self.code < 4000:
            meaning = "registered"
        elif 4000 <= self.code < 5000:
            meaning = "private use"
        else:
            meaning = CLOSE_CODE_EXPLANATIONS.get(self.code, "unknown")
        text = f"{int(self.code)} ({meaning})"
        return f"{text} {self.reason}" if self.reason else text

    def check(self) -> None:
        """Raise `ProtocolError` if no Close frame may carry this."""
        if not is_sendable_close_code(self.code):
            raise ProtocolError(f"invalid close code {int(self.code)}")

    def serialize(self) -> bytes:
        """Return the payload of the Close frame."""
        self.check()
        return int(self.code).to_bytes(2, "big") + self.reason.encode()
