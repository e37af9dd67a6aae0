"""Compressed payloads in, inflated data out, step by step (RFC 7692 section 7.2.2).

Knows nothing of frames, text or limits: who takes the steps stops when they are too many.
Both codecs use it; the compiled one inflates ordinary small messages by itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Self

from ..exceptions import corrupt_compression, incomplete_compression
from . import zlib_backend

if TYPE_CHECKING:
    from collections.abc import Callable

    from typing_extensions import Buffer

    from .._base.compression import Deflate

# What one step gives at most, and so what a message can bring beyond its limit.
STEP_BYTES: Final = 64 * 1024
# What one call should take at most: what a step leaves over is copied for the next one.
SLICE_BYTES: Final = 16 * 1024
# What every compressed message is stripped of.
TAIL: Final = b"\x00\x00\xff\xff"

# Behind the tail, for a stream that must end with its message: an empty final block.
_FINAL_BLOCK: Final = b"\x01\x00\x00\xff\xff"
_LARGEST_WINDOW_BITS: Final = 15
_HISTORY_BYTES: Final = 32 * 1024
# zlib cannot inflate with a smaller window; a larger one than was agreed does no harm.
_LEAST_WINDOW_BITS: Final = 9


def wire_limit(limit: int) -> int:
    """Return how long a compressed message may be that inflates to `limit` bytes.

    zlib's own bound for any of its settings is an eighth and a 64th more; the rest
    is for flushes between the fragments.
    """
    return limit + (limit >> 3) + (limit >> 6) + 1024


class Inflater:
    """Inflates the messages of one connection, one after another.

    For each message call `begin`, then `inflate` for each piece of its payload, then `end`. Each
    of the last two gives the first step; `more` gives those that follow.
    """

    __slots__ = (
        "_backend",
        "_decompressor",
        "_has_input",
        "_history",
        "_is_restarted",
        "_keeps_context",
        "_window_bits",
    )

    def __init__(
        self,
        window_bits: int,
        *,
        keeps_context: bool,
        backend: zlib_backend.Backend = zlib_backend.backend,
    ) -> None:
        """Prepare; memory is taken with the first message.

        Args:
            window_bits: the size of the sender's window, as a power of 2.
            keeps_context: whether a message may refer to those before it.
            backend: a module of the kind of `zlib`.
        """
        self._window_bits = -max(window_bits, _LEAST_WINDOW_BITS)
        self._keeps_context = keeps_context
        self._backend = backend
        self._decompressor: zlib_backend.Decompressor | None = None
        # Whether the stream at hand has been given anything.
        self._has_input = False
        # The end of what was inflated: of the message, and once a final block has come, which
        # the backend cannot go on behind, of all messages since.
        self._history = b""
        self._is_restarted = False

    @classmethod
    def of_server(cls, agreed: Deflate) -> Self:
        """Make the one for what a server sends, by what it agreed to."""
        bits = agreed.server_max_window_bits
        return cls(
            _LARGEST_WINDOW_BITS if bits is None else bits,
            keeps_context=not agreed.server_no_context_takeover,
        )

    def begin(self) -> None:
        """Begin a message."""
        self._has_input = False
        if not self._is_restarted:
            self._history = b""
        if self._decompressor is None or not self._keeps_context:
            self._start_stream(b"")

    def inflate(self, data: Buffer) -> bytes:
        """Inflate a piece of the payload, best of at most `SLICE_BYTES`; return the first step.

        Raises:
            InvalidCompression: the payload is corrupt.
        """
        self._has_input = True
        return self.note(self._step(data))

    def more(self, step: bytes) -> bytes | None:
        """Return the step after `step`, or `None` when the piece is used up.

        Raises:
            InvalidCompression: the payload is corrupt or incomplete.
        """
        stream = self._stream()
        if stream.eof:
            # The window reaches back over a final block (RFC 7692 section 7.2.3.4).
            rest = stream.unused_data
            if rest == TAIL:
                # Here the tail must have a byte before it (RFC 7692 section 7.2.3.4).
                raise incomplete_compression()
            self._is_restarted = self._keeps_context
            self._start_stream(self._history)
            return self.inflate(rest) if rest else None
        # There may be output left where no input is.
        return self.inflate(stream.unconsumed_tail) if len(step) == STEP_BYTES else None

    def end(self) -> bytes:
        """End the payload; return the first step of what was still to come.

        Raises:
            InvalidCompression: the payload is corrupt, or lacks the byte that is left of its
                last block.
        """
        if not self._has_input:
            raise incomplete_compression()
        return self.inflate(TAIL if self._keeps_context else TAIL + _FINAL_BLOCK)

    def check_end(self) -> None:
        """Take note that the last step of a message was taken.

        Raises:
            InvalidCompression: the message is cut off. With context takeover the backend cannot
                tell: then the next message is corrupt.
        """
        if not self._keeps_context:
            if self._has_input:
                raise incomplete_compression()
            self._decompressor = None

    def quick(self) -> tuple[zlib_backend.Decompressor, Callable[[Buffer, int], bytes]] | None:
        """Return the stream and its `decompress`, if these alone can inflate the next message.

        They can if the result is shorter than a step and the stream is not at its end; else
        the result must go through `note`, and `more` tells what follows.
        """
        if self._decompressor is None or not self._keeps_context or self._is_restarted:
            return None
        return self._decompressor, self._decompressor.decompress

    def note(self, step: bytes) -> bytes:
        """Remember the end of a step, and return it."""
        if len(step) >= _HISTORY_BYTES:
            self._history = step[-_HISTORY_BYTES:]
        elif step:
            self._history = (self._history + step)[-_HISTORY_BYTES:]
        return step

    def fault(self, error: Exception) -> Exception:
        """Return the error to raise for one that `decompress` raised."""
        return corrupt_compression() if isinstance(error, self._backend.error) else error

    def _step(self, data: Buffer) -> bytes:
        try:
            return self._stream().decompress(data, STEP_BYTES)
        except self._backend.error:
            # Not chained: the frames below still hold the payload.
            raise corrupt_compression() from None

    def _stream(self) -> zlib_backend.Decompressor:
        if self._decompressor is None:
            raise RuntimeError("no message has begun")
        return self._decompressor

    def _start_stream(self, history: bytes) -> None:
        self._has_input = False
        if history:
            self._decompressor = self._backend.decompressobj(self._window_bits, history)
        else:
            self._decompressor = self._backend.decompressobj(self._window_bits)
