"""The one place that chooses between `zlib-ng` and the standard library's `zlib`.

Must not know what is compressed, nor by whom.
"""

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
        """What came behind the final block."""

    @property
    def unconsumed_tail(self) -> bytes:
        """What there was no room to inflate; there may be output pending besides."""

    def decompress(self, data: Buffer, max_length: int = 0, /) -> bytes:
        """Inflate to at most `max_length` bytes; 0 stands for no limit."""


class Compressor(Protocol):
    """A deflating stream."""

    def compress(self, data: Buffer, /) -> bytes:
        """Take data; some of what it deflates to may come later."""

    def flush(self, mode: int = ..., /) -> bytes:
        """Give what is pending."""


class Backend(Protocol):
    """What is used of a module of the kind of `zlib`."""

    error: type[Exception]

    def decompressobj(self, wbits: int = ..., zdict: Buffer = ...) -> Decompressor:
        """Begin to inflate."""

    def compressobj(self, level: int, method: int, wbits: int, mem_level: int, /) -> Compressor:
        """Begin to deflate."""


def _choose() -> Any:
    # 1.5 times as fast for messages of some KiB, as fast for those of 200 bytes.
    return zlib if zlib_ng is None else zlib_ng


backend: Final[Backend] = _choose()
deflate_backend: Final[Literal["zlib-ng", "zlib"]] = "zlib" if zlib_ng is None else "zlib-ng"
