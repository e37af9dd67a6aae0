"""Turns the bytes of an input into choices. An input that is used up chooses zero."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


class Source:
    """Choices from bytes, one byte each, so that a changed byte changes one choice."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def __len__(self) -> int:
        return max(0, len(self._data) - self._at)

    def byte(self) -> int:
        """Take one byte."""
        self._at += 1
        return self._data[self._at - 1] if self._at <= len(self._data) else 0

    def below(self, limit: int) -> int:
        """Choose a number from 0 up to `limit`, exclusive."""
        return self.byte() % limit

    def one_of(self, values: Sequence[T]) -> T:
        """Choose one of the values."""
        return values[self.below(len(values))]

    def take(self, size: int) -> bytes:
        """Take up to `size` bytes."""
        taken = self._data[self._at : self._at + size]
        self._at += size
        return taken

    def rest(self) -> bytes:
        """Take all bytes that are left."""
        return self.take(len(self._data))

    def sizes(self) -> list[int]:
        """Choose the sizes of a series of reads: 1 to 4 of them, the last one may be very long."""
        sizes = [1 + self.byte() for _ in range(self.below(4))]
        return [*sizes, 1 << 20] if self.below(2) else sizes or [1]
