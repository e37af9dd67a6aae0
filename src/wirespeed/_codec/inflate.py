"""Compressed payloads in, inflated data out, step by step (RFC 7692 section 7.2.2).

Enforces no size limit: the caller takes the steps and stops when they exceed its limit.
Both codecs use it; the compiled one inflates ordinary small messages without it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Self

from ..exceptions import (
    corrupt_compression,
    incomplete_compression,
    too_many_final_blocks,
)
from . import zlib_backend

if TYPE_CHECKING:
    from collections.abc import Callable

    from typing_extensions import Buffer

    from .._base.compression import Deflate

# The largest step, and so the most by which inflated data can exceed the limit of a message.
STEP_BYTES: Final = 64 * 1024
# The most data one call should get: the data that a step does not use is copied for the next step.
SLICE_BYTES: Final = 16 * 1024
# After a final block the backend must start anew, which takes as long as inflating some hundred
# bytes. So there is a budget: one final block for each frame of a message, and one more for as many
# bytes of it. Servers end at most a fragment with one.
BYTES_OF_FINAL_BLOCK: Final = 256
# How many more final blocks a connection may have than these.
SPARE_FINAL_BLOCKS: Final = 1024
# What a step costs at least, as a number of inflated bytes: the caller's room should count it.
LEAST_STEP_BYTES: Final = 256
# The bytes that the sender removes from the end of every compressed message.
TAIL: Final = b"\x00\x00\xff\xff"

# An empty final block, added after the tail if the stream must end with its message.
_FINAL_BLOCK: Final = b"\x01\x00\x00\xff\xff"
# A stored block without data between other blocks: inflating it changes nothing.
_EMPTY_BLOCK: Final = b"\x00" + TAIL
_LARGEST_WINDOW_BITS: Final = 15
_HISTORY_BYTES: Final = 32 * 1024
# zlib cannot inflate with a smaller window; a window larger than agreed does no harm.
_LEAST_WINDOW_BITS: Final = 9


def wire_limit(limit: int) -> int:
    """Return the largest compressed size of a message that inflates to `limit` bytes.

    zlib's own bound, for any of its settings, is an eighth and a 64th more than the data. The
    other 1024 bytes are for flushes between fragments.
    """
    return limit + (limit >> 3) + (limit >> 6) + 1024


class Inflater:
    """Inflates the messages of one connection, one after another.

    For each message call `begin`, then `inflate` for each piece of its payload, then `end`. Call
    `next_frame` before the payload of each further frame.
    `inflate` and `end` return the first step; `more` returns the following ones.
    """

    __slots__ = (
        "_backend",
        "_decompressor",
        "_final_blocks",
        "_frames",
        "_has_input",
        "_history",
        "_is_due",
        "_is_restarted",
        "_keeps_context",
        "_spare_final_blocks",
        "_start",
        "_window_bits",
        "_wire_bytes",
    )

    def __init__(
        self,
        window_bits: int,
        *,
        keeps_context: bool,
        backend: zlib_backend.Backend = zlib_backend.backend,
    ) -> None:
        """Prepare; the first message allocates the memory.

        Args:
            window_bits: the size of the sender's window, as a power of 2.
            keeps_context: whether a message may refer to earlier messages.
            backend: a module like `zlib`.
        """
        self._window_bits = -max(window_bits, _LEAST_WINDOW_BITS)
        self._keeps_context = keeps_context
        self._backend = backend
        self._decompressor: zlib_backend.Decompressor | None = None
        # Whether the current stream has received any data.
        self._has_input = False
        # The end of the inflated data of the current message. The backend cannot continue after a
        # final block, so once one has come this spans all messages since.
        # Cut to the last `_HISTORY_BYTES` when it is used.
        self._history = bytearray()
        self._is_restarted = False
        # The history as `bytes`, while it stays the same.
        self._start: bytes | None = None
        # Whether a new stream starts with the next data, from this history.
        self._is_due = False
        # Of the current message: its frames, the bytes given to the backend, and the final blocks
        # but those that the spare ones paid for.
        self._frames = self._wire_bytes = self._final_blocks = 0
        self._spare_final_blocks = SPARE_FINAL_BLOCKS

    @classmethod
    def of_server(cls, agreed: Deflate) -> Self:
        """Make an inflater for the messages of a server, from the settings it agreed to."""
        bits = agreed.server_max_window_bits
        return cls(
            _LARGEST_WINDOW_BITS if bits is None else bits,
            keeps_context=not agreed.server_no_context_takeover,
        )

    def begin(self) -> None:
        """Begin a message."""
        self._has_input = False
        self._frames = 1
        self._wire_bytes = self._final_blocks = 0
        if not self._is_restarted:
            self._history = bytearray()
            self._start = None
        if not self._keeps_context or (self._decompressor is None and not self._is_due):
            self._start_stream(b"")

    def begin_whole(self, step: bytes, size: int) -> None:
        """Begin a message of which all `size` bytes were given to `decompress` of `quick`.

        Args:
            step: the result; the following steps come from `more`.
            size: the size of what was given, with the tail.
        """
        self.begin()
        self._wire_bytes = size
        if not self._is_restarted:
            self._note(step)

    def next_frame(self) -> None:
        """Begin a further frame of the message."""
        self._frames += 1

    def inflate(self, data: Buffer) -> bytes:
        """Inflate a piece of the payload, at best up to `SLICE_BYTES`; return the first step.

        Raises:
            InvalidCompression: the payload is corrupt.
        """
        self._wire_bytes += len(memoryview(data))
        return self._next(data)

    def more(self, size: int) -> bytes | None:
        """Return the step after one of `size` bytes, or `None` when the piece is used up.

        Raises:
            InvalidCompression: the payload is corrupt or incomplete, or has too many final blocks.
        """
        stream = self._stream()
        if stream.eof:
            # The window extends back over a final block (RFC 7692 section 7.2.3.4).
            rest = stream.unused_data
            if rest == TAIL:
                # After a final block a byte must precede the tail (RFC 7692 section 7.2.3.4).
                raise incomplete_compression()
            self._count_final_block(self._wire_bytes - len(rest))
            self._is_restarted = self._keeps_context
            self._is_due = True
            self._decompressor = None
            self._has_input = self._keeps_context and rest == _EMPTY_BLOCK
            return None if self._has_input or not rest else self._next(rest)
        # Output may be left even if no input is.
        return self._next(stream.unconsumed_tail) if size == STEP_BYTES else None

    def end(self) -> bytes:
        """End the payload; return the first step of the remaining data.

        Raises:
            InvalidCompression: the payload is corrupt, or lacks the one byte that must remain of
                its last block.
        """
        if not self._has_input:
            raise incomplete_compression()
        if self._keeps_context:
            return self.inflate(TAIL)
        # The block that is added here does not count.
        self._final_blocks -= 1
        return self.inflate(TAIL + _FINAL_BLOCK)

    def check_end(self) -> None:
        """Check that the message is complete, after its last step.

        Raises:
            InvalidCompression: the message is cut off. With context takeover the backend cannot
                detect this; the next message is then corrupt.
        """
        if not self._keeps_context:
            if self._has_input:
                raise incomplete_compression()
            self._decompressor = None

    def quick(self) -> tuple[zlib_backend.Decompressor, Callable[[Buffer, int], bytes]] | None:
        """Return the stream and its `decompress`, if these can inflate the next message directly.

        The result is the whole message if it is shorter than a step and the stream has not ended.
        Otherwise pass the result to `begin_whole`, and take the following steps from `more`.

        Returns:
            `None` if the next message needs the other methods.
        """
        if not self._keeps_context or (self._decompressor is None and not self._is_due):
            return None
        stream = self._stream()
        return stream, self._inflate_and_note if self._is_restarted else stream.decompress

    def _inflate_and_note(self, data: Buffer, max_length: int) -> bytes:
        step = self._stream().decompress(data, max_length)
        self._note(step)
        return step

    def fault(self, error: Exception) -> Exception:
        """Return the error to raise for an exception of `decompress`."""
        return corrupt_compression() if isinstance(error, self._backend.error) else error

    def _next(self, data: Buffer) -> bytes:
        self._has_input = True
        step = self._step(data)
        self._note(step)
        return step

    def _note(self, step: bytes) -> None:
        """Remember the end of a step as history."""
        if not step:
            return
        self._start = None
        history = self._history
        if len(history) + len(step) > 2 * _HISTORY_BYTES:
            # Cut seldom: small steps would spend most of their time on it.
            del history[:-_HISTORY_BYTES]
            step = step[-_HISTORY_BYTES:]
        history += step

    def _count_final_block(self, consumed: int) -> None:
        """Refuse a final block beyond the budget.

        Args:
            consumed: the bytes of the message up to the end of the block.
        """
        if self._final_blocks < self._frames + consumed // BYTES_OF_FINAL_BLOCK:
            self._final_blocks += 1
        elif self._spare_final_blocks:
            self._spare_final_blocks -= 1
        else:
            raise too_many_final_blocks(BYTES_OF_FINAL_BLOCK, SPARE_FINAL_BLOCKS)

    def _step(self, data: Buffer) -> bytes:
        try:
            return self._stream().decompress(data, STEP_BYTES)
        except self._backend.error:
            # Not chained: the traceback of the cause holds the payload.
            raise corrupt_compression() from None

    def _stream(self) -> zlib_backend.Decompressor:
        if self._decompressor is not None:
            return self._decompressor
        if not self._is_due:
            raise RuntimeError("no message has begun")
        if self._start is None:
            self._start = bytes(memoryview(self._history)[-_HISTORY_BYTES:])
        return self._start_stream(self._start)

    def _start_stream(self, history: bytes) -> zlib_backend.Decompressor:
        if history:
            stream = self._backend.decompressobj(self._window_bits, history)
        else:
            stream = self._backend.decompressobj(self._window_bits)
        self._decompressor = stream
        self._is_due = False
        return stream
