"""A record of how a connection ended, which also prints as one line."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Literal

__all__ = ["CloseCause", "CloseInfo"]


class CloseCause(enum.StrEnum):
    """The first cause of the connection's end; each value is a description in words."""

    CLOSE = "close() was called"
    ABORT = "abort() was called"
    PROTOCOL_ERROR = "the peer broke the protocol"
    UNFINISHED_MESSAGE = "a message that was begun could not be finished"
    QUEUE_OVERFLOW = "the receive queue was full"
    PING_TIMEOUT = "no answer within ping_timeout"
    IDLE_TIMEOUT = "no message within idle_timeout"
    HEARTBEAT_TIMEOUT = "no answer to the heartbeat"
    PEER_CLOSE = "the peer sent a Close frame"
    PEER_EOF = "the peer ended the stream without a Close frame"
    NETWORK_ERROR = "the transport was lost"


_BY_PEER = frozenset({CloseCause.PEER_CLOSE, CloseCause.PEER_EOF})


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseInfo:
    """How a connection ended, as known when this record was made.

    Attributes:
        cause: the first cause of the end.
        received: close code and close reason of the peer's Close frame, `None` if none arrived.
            The code is 1005 for a frame without one (RFC 6455 section 7.1.5).
        sent: close code and close reason of the Close frame that was sent, `None` if none was.
        latency: the last measured round trip, in seconds; `None` if none was measured.
        unsent_bytes: bytes that were not sent: those of frames, as far as the transport counts
            them, and those of messages that waited for the end of a stream. Bytes that the
            operating system had taken are not counted.
        unread_messages: messages that arrived and were not received by the program.
        unread_bytes: the size of these messages in bytes (in characters, for text).
        write_error: the error of the first write that failed; `None` if none did. Messages that had
            arrived by then were still received.
    """

    cause: CloseCause
    received: tuple[int, str] | None
    sent: tuple[int, str] | None
    latency: float | None
    unsent_bytes: int
    unread_messages: int
    unread_bytes: int
    write_error: OSError | None = None

    @property
    def closed_by(self) -> Literal["local", "peer"] | None:
        """The side that closed first; `None` if the network ended the connection."""
        if self.cause is CloseCause.NETWORK_ERROR:
            return None
        return "peer" if self.cause in _BY_PEER else "local"

    def __str__(self) -> str:
        parts = [
            f"closed by {self.closed_by or 'neither side'}: {self.cause.value}",
            f"received {_frame(self.received)}",
            f"sent {_frame(self.sent)}",
        ]
        if self.latency is not None:
            parts.append(f"last round trip {self.latency * 1e3:.3f} ms")
        parts.append(f"{self.unsent_bytes} bytes unsent")
        if self.write_error is not None:
            parts.append(f"a write failed: {self.write_error}")
        parts.append(f"{self.unread_messages} messages ({self.unread_bytes} bytes) unread")
        return ", ".join(parts)


def _frame(close: tuple[int, str] | None) -> str:
    if close is None:
        return "no Close frame"
    code, reason = close
    return f"{code} {reason!r}" if reason else str(code)
