"""Logs each frame at DEBUG and the opening at INFO, with the logger `wirespeed`.

The level is checked once, when a connection is opened. If it is off, logging costs nothing.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from .._base.rfc6455 import (
    FIN_BIT,
    LENGTH_BITS,
    LENGTH_IS_16_BIT,
    LENGTH_IS_64_BIT,
    MASK_BIT,
    OPCODE_BINARY,
    OPCODE_BITS,
    OPCODE_CLOSE,
    OPCODE_CONTINUATION,
    OPCODE_PING,
    OPCODE_PONG,
    OPCODE_TEXT,
    RESERVED_BITS,
)
from .._codec import backend
from .closing import logger

if TYPE_CHECKING:
    from .._channel import ChannelProtocol
    from .._handshake.url import URL

SHOWN_CHARACTERS = 75
# A character has at most four bytes.
SHOWN_BYTES = 4 * SHOWN_CHARACTERS

_OPCODE_NAMES = {
    OPCODE_CONTINUATION: "continuation",
    OPCODE_TEXT: "text",
    OPCODE_BINARY: "binary",
    OPCODE_CLOSE: "close",
    OPCODE_PING: "ping",
    OPCODE_PONG: "pong",
}


def log_opening(url: URL) -> str | None:
    """Log that a connection is open, without the URL's user name and query.

    Returns:
        The URL as it was logged, for the line about the end; `None` if the level is off.
    """
    if not logger.isEnabledFor(logging.INFO):
        return None
    logger.info("opened %s", url.shown)
    return url.shown


def traced(protocol_class: type[ChannelProtocol]) -> type[ChannelProtocol]:
    """Return the class itself, or one that logs frames if the level is DEBUG."""
    if not logger.isEnabledFor(logging.DEBUG):
        return protocol_class

    class TracedProtocol(protocol_class):  # type: ignore[valid-type, misc]
        """Logs the frames that are read, and those written after the handshake's request."""

        def __init__(self, channel: Any, opening: Any, agree: Any, opened: Any) -> None:
            super().__init__(channel, opening, agree, opened)
            self._lent: memoryview = memoryview(b"")
            self._incoming = FrameTrace("<")
            self._handshake: Any = opening
            self._response: Any = opened
            self._tapped: _TappedTransport

        def connection_made(self, transport: Any) -> None:
            self._tapped = _TappedTransport(transport)
            super().connection_made(self._tapped)

        def send_request(self) -> None:
            super().send_request()
            # The request is no frame; all later writes are.
            self._tapped.outgoing = FrameTrace(">")

        def get_buffer(self, sizehint: int) -> memoryview:
            self._lent = super().get_buffer(sizehint)
            return self._lent

        def buffer_updated(self, nbytes: int) -> None:
            if self._handshake is None:
                self._incoming.feed(self._lent[:nbytes])
            super().buffer_updated(nbytes)
            if self._handshake is not None and self._is_accepted():
                self._incoming.feed(self._handshake.trailing_data)
                self._handshake = None

        def _is_accepted(self) -> bool:
            response = self._response
            return bool(response.done() and not response.cancelled() and not response.exception())

    return TracedProtocol


class _TappedTransport:
    """A transport whose written frames are logged."""

    def __init__(self, transport: Any) -> None:
        self._transport = transport
        self.outgoing: FrameTrace | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        if self.outgoing is not None:
            self.outgoing.feed(data)
        self._transport.write(data)


class FrameTrace:
    """Finds and logs the frames of one direction of a stream, which comes in pieces of any size."""

    def __init__(self, arrow: str) -> None:
        self._arrow = arrow
        self._data = bytearray()
        # Payload bytes of the last frame that are not logged and have not arrived yet.
        self._to_skip = 0

    def feed(self, data: bytes | memoryview) -> None:
        """Take the next bytes."""
        skipped = min(self._to_skip, len(data))
        self._to_skip -= skipped
        self._data += data[skipped:]
        while (end := self._log_next()) > 0:
            del self._data[:end]

    def _log_next(self) -> int:
        """Log the first frame, if enough of it has arrived.

        Returns:
            How many of its bytes have arrived; 0 if they are too few to log the frame.
        """
        data = self._data
        if len(data) < 2:
            return 0
        length = data[1] & LENGTH_BITS
        length_bytes = {LENGTH_IS_16_BIT: 2, LENGTH_IS_64_BIT: 8}.get(length, 0)
        key_start = 2 + length_bytes
        start = key_start + (4 if data[1] & MASK_BIT else 0)
        if len(data) < start:
            return 0
        if length_bytes:
            length = int.from_bytes(data[2:key_start], "big")
        shown_end = start + min(length, SHOWN_BYTES)
        if len(data) < shown_end:
            return 0
        payload = bytes(data[start:shown_end])
        if start > key_start:
            payload = backend.apply_mask(payload, bytes(data[key_start:start]))
        logger.debug("%s %s", self._arrow, describe(data[0], length, payload))
        end = min(len(data), start + length)
        self._to_skip = start + length - end
        return end


def describe(first: int, length: int, payload: bytes) -> str:
    """Describe a frame in one line.

    Args:
        first: the first byte of the frame.
        length: the length of its payload.
        payload: the beginning of its payload, not masked: all of it, or at least `SHOWN_BYTES`.
    """
    opcode = first & OPCODE_BITS
    words = [_OPCODE_NAMES.get(opcode, f"opcode 0x{opcode:x}")]
    if not first & FIN_BIT:
        words.append("(not the last)")
    if first & RESERVED_BITS:
        words.append(f"rsv 0x{first & RESERVED_BITS:x}")
    words.append(f"{length} bytes")
    if payload:
        words.append(_shown(opcode, payload, bool(first & RESERVED_BITS)))
    return " ".join(words)


def _shown(opcode: int, payload: bytes, is_coded: bool) -> str:
    if opcode == OPCODE_CLOSE and len(payload) >= 2:
        reason = payload[2:].decode(errors="backslashreplace")
        return _cut(f"{int.from_bytes(payload[:2], 'big')} {reason!r}")
    if opcode == OPCODE_TEXT and not is_coded:
        return _cut(repr(payload.decode(errors="backslashreplace")))
    return _cut(payload.hex(" "))


def _cut(text: str) -> str:
    return text if len(text) <= SHOWN_CHARACTERS else text[: SHOWN_CHARACTERS - 3] + "..."
