"""The frame builder in plain Python: messages in, masked frames out (RFC 6455 section 5).

Does no I/O.
"""

from __future__ import annotations

import os
import threading
from struct import Struct
from typing import TYPE_CHECKING, Final

from ..._base.rfc6455 import (
    FIN_BIT,
    LENGTH_IS_16_BIT,
    LENGTH_IS_64_BIT,
    MASK_BIT,
    MASKING_KEY_BLOCK_BYTES,
    OPCODE_BITS,
    OPCODE_TEXT,
    RSV1_BIT,
)
from .text_and_mask import MASKING_KEY_BYTES, flat_view, from_bytes, mask, text_or_none

if TYPE_CHECKING:
    from typing_extensions import Buffer

    from ..contract import Entropy, Payload

_short_header: Final = Struct("!BB").pack
# One entry for each fork between this process and the one that imported this module.
_forks: Final[list[None]] = []

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=lambda: _forks.append(None))


class MaskingKeys:
    """Unpredictable masking keys: consecutive 4-byte slices of blocks from an entropy source.

    A block is dropped after a fork: parent and child must not share keys.
    """

    __slots__ = ("_block", "_block_forks", "_entropy", "_next_key")

    def __init__(self, entropy: Entropy) -> None:
        self._entropy = entropy
        self._block = b""
        self._block_forks = len(_forks)
        self._next_key = 0

    def draw(self) -> bytes:
        """Return the next key."""
        start = self._next_key
        if start == len(self._block) or self._block_forks != len(_forks):
            self._draw_block()
            start = 0
        self._next_key = end = start + MASKING_KEY_BYTES
        return self._block[start:end]

    def _draw_block(self) -> None:
        block = self._entropy(MASKING_KEY_BLOCK_BYTES)
        if not isinstance(block, bytes):
            raise TypeError(f"entropy source must return bytes, not {type(block).__name__}")
        if len(block) != MASKING_KEY_BLOCK_BYTES:
            raise ValueError(
                f"entropy source returned {len(block)} bytes,"
                f" {MASKING_KEY_BLOCK_BYTES} were asked for"
            )
        self._block = block
        self._block_forks = len(_forks)
        self._next_key = 0


# Keys from the operating system: one block for all builders of a thread.
_of_thread: Final = threading.local()


def _keys_of_thread() -> MaskingKeys:
    keys: MaskingKeys | None = getattr(_of_thread, "keys", None)
    if keys is None:
        keys = _of_thread.keys = MaskingKeys(os.urandom)
    return keys


class FrameBuilder:
    """Messages in, masked frames out, gathered until they are taken (RFC 6455 section 5).

    A builder must be used only in the thread that made it.
    """

    __slots__ = ("_draw_key", "_frames", "_length_bytes", "_size", "_taken_bytes", "_taken_frames")

    def __init__(self, *, entropy: Entropy | None = None) -> None:
        """Make a builder.

        Args:
            entropy: a function that returns n unpredictable bytes for `entropy(n)`; `None` for
                the bytes of the operating system.
        """
        self._draw_key = (_keys_of_thread() if entropy is None else MaskingKeys(entropy)).draw
        self._frames: list[bytes] = []
        self._size = 0
        # Counted when frames are taken, which costs nothing for each single frame.
        self._taken_frames = 0
        self._taken_bytes = 0
        # The total size of the extended payload lengths.
        self._length_bytes = 0

    def __len__(self) -> int:
        """Count the bytes that were gathered and not taken."""
        return self._size

    @property
    def frames(self) -> int:
        """Count the frames that were built."""
        return self._taken_frames + len(self._frames)

    @property
    def payload_bytes(self) -> int:
        """Count the payload bytes of these frames, as passed to the builder."""
        header_bytes = (2 + MASKING_KEY_BYTES) * self.frames + self._length_bytes
        return self._taken_bytes + self._size - header_bytes

    def append(self, opcode: int, payload: Payload, fin: bool = True) -> int:
        """Add one masked frame; return the number of bytes gathered so far.

        Raises:
            TypeError: `payload` is neither `str` nor bytes-like; nothing was added.
            ValueError: the opcode is text and a bytes-like payload is not UTF-8, or
                a `str` contains a lone surrogate (`UnicodeEncodeError`), or `opcode` has
                bits besides RSV1 and the 4 of an opcode; nothing was added.
        """
        frame = self._build(opcode, payload, fin)
        self._frames.append(frame)
        self._size += len(frame)
        return self._size

    def take(self) -> bytes:
        """Return all gathered frames, and start again with none."""
        # Joining a single frame returns the same object: no copy.
        gathered = b"".join(self._frames)
        self._taken_frames += len(self._frames)
        self._taken_bytes += self._size
        self._frames = []
        self._size = 0
        return gathered

    def frame(self, opcode: int, payload: Payload, fin: bool = True) -> bytes:
        """Build and return one masked frame, separate from the gathered ones.

        Raises:
            TypeError, ValueError: as `append` does.
        """
        frame = self._build(opcode, payload, fin)
        self._taken_frames += 1
        self._taken_bytes += len(frame)
        return frame

    def _build(self, opcode: int, payload: Payload, fin: bool) -> bytes:
        if opcode & ~(OPCODE_BITS | RSV1_BIT):
            raise ValueError(f"opcode must be 0 to 15, or 64 to 79 with RSV1, not {opcode}")
        data = payload.encode() if isinstance(payload, str) else _payload_bytes(opcode, payload)
        key = self._draw_key()
        size = len(data)
        if size < LENGTH_IS_16_BIT:
            # One XOR makes the key and, after it, the payload masked with the repeated key: this
            # is the cheapest way for a short frame.
            first = opcode | FIN_BIT if fin else opcode
            end = MASKING_KEY_BYTES + size
            keys = (key * (size // MASKING_KEY_BYTES + 2))[:end]
            masked = (from_bytes(keys) ^ from_bytes(data)).to_bytes(end)
            return _short_header(first, MASK_BIT | size) + masked
        header = _long_header(opcode, size, fin)
        self._length_bytes += len(header) - 2
        return b"".join((header, key, mask(data, key)))


def _payload_bytes(opcode: int, payload: Buffer) -> bytes:
    """Return the bytes of a payload that is no `str`; refuse text that is not UTF-8."""
    if type(payload) is bytes:
        data = payload
    else:
        with flat_view(payload, "payload must be str or bytes-like") as view:
            data = view.tobytes()
    if opcode == OPCODE_TEXT and not data.isascii() and text_or_none(data) is None:
        raise ValueError("text payload is not valid UTF-8")
    return data


def _long_header(opcode: int, payload_length: int, fin: bool) -> bytes:
    """Build the header of a frame that is not short, without its key (RFC 6455 section 5.2)."""
    first = opcode | FIN_BIT if fin else opcode
    if payload_length < 1 << 16:
        return bytes((first, MASK_BIT | LENGTH_IS_16_BIT)) + payload_length.to_bytes(2, "big")
    return bytes((first, MASK_BIT | LENGTH_IS_64_BIT)) + payload_length.to_bytes(8, "big")
