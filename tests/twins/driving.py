"""Drives a parser as a transport does, with memory that is overwritten at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import cycle
from typing import Protocol

import reference

from wirespeed._codec import contract
from wirespeed.exceptions import ProtocolError


class MakeParser(Protocol):
    """The class of a parser."""

    def __call__(
        self, *, max_message_size: int | None = ..., masked: bool = ..., decode_text: bool = ...
    ) -> contract.MessageParser:
        """Make a parser."""


class MakeBuilder(Protocol):
    """The class of a builder."""

    def __call__(self, *, entropy: contract.Entropy | None = None) -> contract.FrameBuilder:
        """Make a builder."""


class Codec(Protocol):
    """The names that both implementations export."""

    __name__: str

    MessageParser: MakeParser
    FrameBuilder: MakeBuilder
    Utf8Validator: Callable[[], contract.Utf8Validator]
    apply_mask: contract.ApplyMask
    call_in_context: contract.CallInContext
    is_held: contract.IsHeld
    receive_into: contract.ReceiveInto
    send_some: contract.SendSome
    stop_with: contract.StopWith
    total_length: contract.TotalLength
    use_send_slot: contract.UseSendSlot


class Peer:
    """A transport with one receive buffer, and everything that its parser returned.

    Chunks are fed from memory that is longer than the chunk, and overwritten as soon as `feed` has
    returned. A parser that reads past `size`, or keeps a reference, is detected.
    """

    def __init__(self, parser: contract.MessageParser) -> None:
        self.parser = parser
        self.outcome = reference.Outcome()
        self.reads_in_place = 0

    def receive(self, data: bytes, sizes: Iterable[int]) -> reference.Outcome:
        """Feed `data` in reads of at most `sizes` bytes, repeated in turn, even after an error."""
        view = memoryview(data)
        turns = cycle(sizes)
        position = 0
        while position < len(view):
            position += self._read(view[position : position + next(turns)])
        return self.outcome

    def _read(self, chunk: memoryview) -> int:
        """Pass some of `chunk` to the parser in the way `get_buffer` asks for; return how much."""
        target = self.parser.get_buffer()
        try:
            if target is None:
                size = len(chunk)
                self._feed(chunk)
            else:
                size = min(len(chunk), len(target))
                target[:size] = chunk[:size]
                self.reads_in_place += 1
                self.parser.buffer_updated(size, self.outcome.messages)
        except ProtocolError as fault:
            if self.outcome.error is not None:
                raise
            self.outcome.fail(fault)
        self.outcome.controls += self.parser.controls
        self.parser.controls = []
        self.outcome.close = self.parser.close
        return size

    def _feed(self, chunk: memoryview) -> None:
        shared = bytearray(chunk) + b"\xff" * 16
        try:
            self.parser.feed(shared, self.outcome.messages, len(chunk))
        finally:
            # This also fails while anything holds a view of the memory.
            shared[:] = b"\xee" * (len(shared) + 1)


def parse(
    codec: Codec,
    data: bytes,
    sizes: Iterable[int] | None = None,
    *,
    max_message_size: int | None = None,
    masked: bool = False,
) -> reference.Outcome:
    """Parse a stream in reads of at most `sizes` bytes; in one read if `sizes` is `None`."""
    parser = codec.MessageParser(max_message_size=max_message_size, masked=masked)
    return Peer(parser).receive(data, sizes or [max(1, len(data))])
