"""Messages in fragments, both ways: checked on the way out, decoded on the way in."""

from __future__ import annotations

import codecs
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable
from typing import TYPE_CHECKING, Any

from ..._base.rfc6455 import Fragment

if TYPE_CHECKING:
    from ..._channel import MessageReader

_BYTES_LIKE = (bytes, bytearray, memoryview)


async def fragments_of(
    message: Iterable[Any] | AsyncIterable[Any], text: bool | None, note_first: Callable[[], None]
) -> AsyncIterator[Any]:
    """Yield the fragments of a message in the type that `send_stream` sends as is wanted.

    Args:
        message: the fragments.
        text: whether to send them as text; `None` for what they are.
        note_first: called before the first fragment.

    Raises:
        TypeError: a fragment is neither `str` nor bytes-like, or of another kind than the first.
    """
    is_text: bool | None = None
    decoder = codecs.getincrementaldecoder("utf-8")()
    async for item in _each(message):
        if not isinstance(item, (str, *_BYTES_LIKE)):
            raise TypeError(
                "iterable must contain bytes or str"
                if is_text is None
                else "iterable must contain uniform types"
            )
        if is_text is None:
            is_text = isinstance(item, str)
            note_first()
        elif is_text is not isinstance(item, str):
            raise TypeError("iterable must contain uniform types")
        if text is False and isinstance(item, str):
            yield item.encode()
        elif text and not isinstance(item, str):
            # A fragment may end inside a character.
            yield decoder.decode(bytes(item))
        else:
            yield item
    decoder.decode(b"", final=True)


async def _each(message: Iterable[Any] | AsyncIterable[Any]) -> AsyncIterator[Any]:
    # A plain iterable counts first, as in `websockets`.
    if isinstance(message, Iterable):
        for item in message:
            yield item
        return
    async for item in message:
        yield item


async def in_frames(reader: MessageReader, decode: bool | None) -> AsyncIterator[Any]:
    """Yield the next message frame by frame.

    Until the last frame is taken, the reader is busy.

    Args:
        reader: the receives of the connection.
        decode: whether to return text or bytes; `None` for what it is.

    Raises:
        UnicodeDecodeError: `decode` is true, and the message is not UTF-8.
    """
    kept = reader.take_fragments()
    reader.is_streaming = True
    try:
        entry: Any = kept.pop(0) if kept else await reader.receive_entry()
    except BaseException:
        reader.is_streaming = False
        raise
    if not isinstance(entry, Fragment):
        reader.is_streaming = False
        yield _converted(entry, decode)
        return
    wants_text = entry.is_text if decode is None else decode
    decoder = codecs.getincrementaldecoder("utf-8")()
    while True:
        is_last = entry.fin
        piece = decoder.decode(entry.data, is_last) if wants_text else entry.data
        if is_last:
            reader.is_streaming = False
        yield piece
        if is_last:
            return
        entry = kept.pop(0) if kept else await reader.receive_entry()


def _converted(data: str | bytes, decode: bool | None) -> str | bytes:
    if decode is None:
        return data
    if isinstance(data, str):
        return data if decode else data.encode()
    return data.decode() if decode else data
