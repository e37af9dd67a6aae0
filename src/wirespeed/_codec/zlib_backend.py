"""Chooses between `zlib-ng` and the standard library's `zlib`; no other module does."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol

try:
    from zlib_ng import zlib_ng
except ImportError:
    zlib_ng = None  # type: ignore[assignment]

if TYPE_CHECKING:
    from typing_extensions import Buffer


class Decompressor(Protocol):
    """An inflating stream."""

    @property
    def eof(self) -> bool:
        """Whether the stream's final block has ended."""

    @property
    def unused_data(self) -> bytes:
        """The data after the final block."""

    @property
    def unconsumed_tail(self) -> bytes:
        """The input that the output limit left over; more output may be pending too."""

    def decompress(self, data: Buffer, max_length: int = 0, /) -> bytes:
        """Inflate `data` to at most `max_length` bytes; 0 is no limit."""


class Compressor(Protocol):
    """A deflating stream."""

    def compress(self, data: Buffer, /) -> bytes:
        """Deflate `data`; a part of the output may come with a later call."""

    def flush(self, mode: int = ..., /) -> bytes:
        """Return the pending output."""


class Backend(Protocol):
    """The used part of a module like `zlib`."""

    error: type[Exception]

    def decompressobj(self, wbits: int = ..., zdict: Buffer = ...) -> Decompressor:
        """Return a new inflating stream."""

    def compressobj(self, level: int, method: int, wbits: int, mem_level: int, /) -> Compressor:
        """Return a new deflating stream."""


def _choose() -> Any:
    # zlib-ng is 1.5 times as fast for messages of some KiB, and equally fast for 200 bytes.
    return zlib if zlib_ng is None else zlib_ng


backend: Final[Backend] = _choose()
deflate_backend: Final[Literal["zlib-ng", "zlib"]] = "zlib" if zlib_ng is None else "zlib-ng"
