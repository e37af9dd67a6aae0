"""The interfaces of the objects to which a channel reports events of its connection."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from ..exceptions import ProtocolError, QueueOverflow


class ClosingState(Protocol):
    """Decides how the connection ends. The channel reports events to it."""

    def opened(self) -> None:
        """Note that the connection is open."""

    def peer_ended(self, fault: ProtocolError | None, close: tuple[int, str] | None) -> None:
        """Note a fault or a Close frame, before the messages ahead of it are handed on."""

    def hand_on(self) -> None:
        """Act on the peer's end: the messages ahead of it were offered to the consumers."""

    def overflowed(self, fault: QueueOverflow) -> None:
        """Fail the connection: the receive queue is full."""

    def message_unfinished(self) -> None:
        """Close the connection: a message was begun and cannot be finished."""

    def eof_received(self) -> None:
        """Note that the peer has ended the stream."""

    def write_failed(self, error: OSError | None) -> None:
        """Note that nothing more can be written, although there may be more to read.

        `error` is that of a write; `None` if the transport was lost for another reason.
        """

    def connection_lost(self, error: Exception | None) -> None:
        """Note that the transport is closed."""

    def abort(self) -> None:
        """Close the transport without a closing handshake."""


class PeerWatch(Protocol):
    """Monitors the peer while the connection is open."""

    def take_pong(self, payload: bytes) -> None:
        """Process a Pong that has arrived."""

    def awaited_pongs(self) -> set[bytes]:
        """Return the payloads of the Pings that are not answered yet."""
