"""The same bytes in every kind of buffer, and values that are no buffers: tables of types."""

from __future__ import annotations

import ctypes
import mmap
from array import array
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from typing_extensions import Buffer

MakeBuffer: TypeAlias = "Callable[[bytes], AbstractContextManager[Buffer]]"


def plain(make: Callable[[bytes], Buffer]) -> MakeBuffer:
    """Wrap a buffer that does not have to be closed."""

    @contextmanager
    def opened(raw: bytes) -> Iterator[Buffer]:
        yield make(raw)

    return opened


@contextmanager
def mapped(raw: bytes) -> Iterator[Buffer]:
    """Put the bytes in a memory map of exactly their size. Closing it fails while a view exists."""
    with mmap.mmap(-1, max(1, len(raw))) as memory:
        memory[: len(raw)] = raw
        yield memory


class SubclassOfBytes(bytes):
    """A subclass of `bytes`."""


def sliced(raw: bytes) -> memoryview:
    """Return a view of the middle of a longer buffer."""
    return memoryview(bytearray(b"\xff" * 5 + raw + b"\xff" * 5))[5 : 5 + len(raw)]


def every_other(raw: bytes) -> memoryview:
    """Return a view of every other byte: not contiguous."""
    spread = bytearray(b"\xff" * (2 * len(raw)))
    spread[::2] = raw
    return memoryview(spread)[::2]


def backwards(raw: bytes) -> memoryview:
    """Return a view of the bytes from last to first: not contiguous, with a negative stride."""
    return memoryview(raw[::-1])[::-1]


# Each function takes bytes whose length is a multiple of 4.
BYTES_LIKE: dict[str, MakeBuffer] = {
    "bytes": plain(bytes),
    "subclass of bytes": plain(SubclassOfBytes),
    "bytearray": plain(bytearray),
    "memoryview": plain(memoryview),
    "memoryview, writable": plain(lambda raw: memoryview(bytearray(raw))),
    "memoryview, read-only": plain(lambda raw: memoryview(bytearray(raw)).toreadonly()),
    "memoryview, sliced": plain(sliced),
    "memoryview, every other byte": plain(every_other),
    "memoryview, backwards": plain(backwards),
    "memoryview, signed items": plain(lambda raw: memoryview(raw).cast("b")),
    "memoryview, character items": plain(lambda raw: memoryview(raw).cast("c")),
    "memoryview, 2-byte items": plain(lambda raw: memoryview(raw).cast("H")),
    "memoryview, two dimensions": plain(lambda raw: memoryview(raw).cast("B", (len(raw) // 4, 4))),
    "array of bytes": plain(lambda raw: array("B", raw)),
    "array of signed bytes": plain(lambda raw: array("b", raw)),
    "array of 4-byte items": plain(lambda raw: array("I", raw)),
    "ctypes array": plain(lambda raw: (ctypes.c_uint16 * (len(raw) // 2)).from_buffer_copy(raw)),
    "mmap": mapped,
}

NOT_BYTES_LIKE: list[object] = ["text", 5, 1.5, None, [1, 2], (1, 2), {1: 2}, bytes]
