"""What a channel is given: the objects that it reports the life of the connection to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from ..exceptions import ProtocolError, QueueOverflow


class ClosingState(Protocol):
    """Decides how the connection ends; the channel reports what it sees of it."""

    def opened(self) -> None:
        """Take note that the connection is open."""

    def peer_ended(self, fault: ProtocolError | None, close: tuple[int, str] | None) -> None:
        """Take note of a fault or a Close frame, before the messages ahead of it are handed on."""

    def hand_on(self) -> None:
        """Act on the peer's end: the messages ahead of it were offered to the consumers."""

    def overflowed(self, fault: QueueOverflow) -> None:
        """Fail the connection: the receive queue is full."""

    def message_unfinished(self) -> None:
        """Close: a message was begun and has no end."""

    def eof_received(self) -> None:
        """Take note that the peer has ended the stream."""

    def connection_lost(self, error: Exception | None) -> None:
        """Take note that the transport is gone."""

    def abort(self) -> None:
        """Drop the transport without a closing handshake."""


class PeerWatch(Protocol):
    """Watches over the peer while the connection is open."""

    def take_pong(self, payload: bytes) -> None:
        """Take a Pong that has arrived."""
