"""One message that is sent in fragments while it is made (RFC 6455 section 5.4).

Does not wait, and does not close the connection.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Mapping
from typing import Any, Self

from ..._base.rfc6455 import OPCODE_BINARY, OPCODE_CONTINUATION, OPCODE_TEXT, RSV1_BIT
from ..._codec.deflate import EMPTY_LAST
from ..._codec.payload import as_bytes, mixed_fragments
from ..waiter import Awaitable
from .outbox import Outbox


class OutgoingStream:
    """One message that is being sent, with a frame for each item.

    From its first fragment to its end, other messages are held. `leave` must be called when no
    more items come, for any reason.
    """

    def __init__(self, outbox: Outbox, compress: bool | None) -> None:
        self._outbox = outbox
        self._compress = compress
        # The opcode of the next frame.
        self._opcode = OPCODE_CONTINUATION
        self._items = 0
        self._is_text = False
        # Compresses a fragment; `None` if the message is sent as it is.
        self._deflate: Callable[[bytes | memoryview], bytes] | None = None
        # Whether fragments were sent, but not the last one.
        self._is_open = False

    def payload_of(self, item: Any) -> bytes | memoryview:
        """Return the bytes of the next item.

        Raises:
            TypeError: the item is neither `str` nor bytes-like, or of the other type than the
                first item.
            ValueError: the item has a lone surrogate.
        """
        is_text = isinstance(item, str)
        if self._items == 0:
            self._is_text = is_text
            self._opcode = OPCODE_TEXT if is_text else OPCODE_BINARY
        elif is_text != self._is_text:
            raise mixed_fragments(self._items, item)
        try:
            payload = as_bytes(OPCODE_BINARY, item)
        except TypeError:
            raise mixed_fragments(self._items, item) from None
        self._items += 1
        return payload

    def may_send(self) -> bool:
        """Join the line before the first fragment; return whether it is this stream's turn."""
        return self._is_open or self._outbox.stand_in_line(self)

    def send(self, payload: bytes | memoryview) -> Awaitable:
        """Send a fragment, as `Outbox.send` does."""
        if not self._is_open:
            self._begin(payload)
        if self._deflate is not None:
            payload = self._deflate(payload)
        opcode = self._opcode
        self._opcode = OPCODE_CONTINUATION
        return self._outbox.send_fragment(opcode, payload, False, False)

    def _begin(self, first: bytes | memoryview) -> None:
        self._deflate = self._outbox.begin_stream(first, self._compress)
        if self._deflate is not None:
            self._opcode |= RSV1_BIT
        self._is_open = True

    def end(self) -> Awaitable:
        """Send the last frame, which is empty, and then the held messages.

        The last frame is empty because only now it is known that no more items come.
        """
        if not self._is_open:
            return self._outbox.settled()
        payload = b"" if self._deflate is None else EMPTY_LAST
        wait = self._outbox.send_fragment(OPCODE_CONTINUATION, payload, True, False)
        self._is_open = False
        self._outbox.end_stream(self)
        return wait

    def leave(self) -> bool:
        """Make room for the next stream, unless this one has begun and has no end.

        Returns:
            Whether this message was begun and is unfinished.
        """
        if not self._is_open:
            self._outbox.leave_line(self)
        return self._is_open


class Lazily:
    """An asynchronous iterator over a plain iterable, which never waits."""

    def __init__(self, items: Iterable[Any]) -> None:
        self._items = iter(items)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Any:
        for item in self._items:
            return item
        raise StopAsyncIteration


def items_of(data: Iterable[Any] | AsyncIterable[Any]) -> AsyncIterator[Any]:
    """Return an asynchronous iterator over either kind of iterable.

    Raises:
        TypeError: `data` is not iterable, or is a `str`, bytes-like or a mapping, which must not be
            split into items.
    """
    if isinstance(data, AsyncIterable):
        return aiter(data)
    whole = isinstance(data, (str, bytes, bytearray, memoryview, Mapping))
    if whole or not isinstance(data, Iterable):
        raise TypeError(
            "data must be an iterable or asynchronous iterable of str or bytes-like,"
            f" not {type(data).__name__}"
        )
    return Lazily(data)
