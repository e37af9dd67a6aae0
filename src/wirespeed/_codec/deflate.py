"""Messages in, compressed payloads out (RFC 7692 section 7.2.1).

Does not build frames; it only sets the bit RSV1, which marks a compressed message.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Final

from .._base.rfc6455 import RSV1_BIT
from . import zlib_backend
from .inflate import TAIL
from .payload import as_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .._base.compression import Deflate
    from .contract import Payload

_LARGEST_WINDOW_BITS: Final = 15
# zlib cannot compress with a smaller window. With 9 bits it refers back at most 250 bytes (the
# window less 262 bytes of lookahead), which suits a peer with a window of 256 bytes.
_LEAST_WINDOW_BITS: Final = 9
# The last fragment of a message whose earlier fragments were sent before its end was known: an
# empty block without its tail (RFC 7692 section 7.2.3.6).
EMPTY_LAST: Final = b"\x00"


class Deflater:
    """Compresses the messages of one connection, in the order in which they are sent."""

    __slots__ = ("_backend", "_bits", "_compressor", "_keeps_context", "_settings", "_threshold")

    def __init__(
        self, agreed: Deflate, *, backend: zlib_backend.Backend = zlib_backend.backend
    ) -> None:
        """Prepare; the first message allocates the memory.

        Args:
            agreed: the settings that the server agreed to.
            backend: a module like `zlib`.
        """
        bits = agreed.client_max_window_bits
        self._bits = max(_LARGEST_WINDOW_BITS if bits is None else bits, _LEAST_WINDOW_BITS)
        self._settings = agreed.level, agreed.mem_level
        self._keeps_context = not agreed.client_no_context_takeover
        self._threshold = agreed.threshold
        self._backend = backend
        self._compressor: zlib_backend.Compressor | None = None

    def message(self, opcode: int, payload: Payload, compress: bool | None) -> tuple[int, Payload]:
        """Return the opcode, with RSV1 if compressed, and the payload of a message in one frame.

        Args:
            opcode: the opcode of the message.
            payload: the payload of the message.
            compress: whether to compress it; `None` lets the threshold decide.

        Raises:
            TypeError, ValueError: the payload cannot be sent; nothing was compressed.
        """
        if not self._wants(compress, payload):
            return opcode, payload
        # Check first: every compressed message must be sent, or the peer's context breaks.
        return opcode | RSV1_BIT, self._deflate([as_bytes(opcode, payload)])[0]

    def fragments(
        self, opcode: int, payloads: list[bytes], compress: bool | None
    ) -> tuple[int, list[bytes]]:
        """Return the same for a message in several frames; their number does not change."""
        if not payloads or not self._wants(compress, b"".join(payloads)):
            return opcode, payloads
        return opcode | RSV1_BIT, self._deflate(payloads)

    def begin(
        self, first: bytes | memoryview, compress: bool | None
    ) -> Callable[[bytes | memoryview], bytes] | None:
        """Begin a message whose fragments are not known yet.

        The peer can inflate each fragment as soon as it arrives. `EMPTY_LAST` must follow the
        fragments, before any other message.

        Args:
            first: the first fragment.
            compress: whether to compress; `None` compares the size of `first` with the threshold.

        Returns:
            A function that compresses one fragment; `None` if the message must be sent
            uncompressed.
        """
        if not self._wants(compress, first):
            return None
        compressor = self._begin()
        return lambda part: compressor.compress(part) + compressor.flush(zlib.Z_SYNC_FLUSH)

    def _wants(self, compress: bool | None, payload: Payload) -> bool:
        if compress is None:
            size = len(payload) if isinstance(payload, str | bytes) else memoryview(payload).nbytes
            return size >= self._threshold
        return compress

    def _deflate(self, parts: Sequence[bytes | memoryview]) -> list[bytes]:
        compressor = self._begin()
        try:
            deflated = [compressor.compress(part) for part in parts]
            deflated[-1] = (deflated[-1] + compressor.flush(zlib.Z_SYNC_FLUSH))[: -len(TAIL)]
        except MemoryError:
            self.forget()
            raise
        return deflated

    def forget(self) -> None:
        """Refer to no earlier message from now on: the last one was not sent."""
        self._compressor = None

    def _begin(self) -> zlib_backend.Compressor:
        """Return the compressor for the next message."""
        compressor = self._compressor
        if compressor is None:
            level, mem_level = self._settings
            compressor = self._backend.compressobj(level, zlib.DEFLATED, -self._bits, mem_level)
        if self._keeps_context:
            self._compressor = compressor
        return compressor
