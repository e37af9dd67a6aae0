"""Descriptions that can be read: no private aliases, and no `<factory>` for a default."""

from __future__ import annotations

import re
from typing import Any

from sphinx.domains.python import PyObject

# What the aliases of annotations stand for, in the words of the docstrings.
ALIASES = {
    "Batches": "AsyncIterator[list[str | bytes]]",
    "CompressionLike": "Literal['deflate'] | Deflate | None",
    "ComputeHeaders": "Callable[[], HeadersLike | Awaitable[HeadersLike | None] | None]",
    "ComputeUrl": "Callable[[], URLLike | Awaitable[URLLike]]",
    "CookiesLike": "Mapping[str, str] | SimpleCookie",
    "HeadersLike": "Mapping[str, str] | Iterable[tuple[str, str]]",
    "OnOpen": "Callable[[WebSocketConnection], Awaitable[object] | object]",
    "Overflow": "Literal['pause', 'drop_oldest', 'drop_newest', 'close']",
    "Publish": "Callable[[Record], Awaitable[Future | None]]",
    "Received": "Message",
    "Sending": "Coroutine[Any, Any, None]",
    "SocketOption": "tuple[int, int, int | bytes]",
    "URLLike": "str | URL",
}
_ALIAS = re.compile(rf"(?<![\w.])(?:{'|'.join(ALIASES)})\b")
_MODULE = re.compile(r"~?\b(?:[a-z_]\w*\.)+(?=[A-Z])")


def readable(text: str) -> str:
    """Return an annotation or a signature with the aliases written out."""
    while _ALIAS.search(text):
        text = _ALIAS.sub(lambda match: ALIASES[match[0]], text)
    return text


def process(*event: Any) -> Any:
    """Rewrite a signature for autodoc; the event ends with the arguments and what is returned."""
    own, returned = event[-2:]
    if own is not None and "<" in own:
        own = own.replace("<factory>", "...")
        own = re.sub(r"<(?:function|class) '?([\w.]+)'?[^>]*>", r"\1", own)
        own = _MODULE.sub("", own)
    return (
        None if own is None else readable(own),
        None if returned is None else readable(returned),
    )


def setup(app: Any) -> dict[str, bool]:
    """Listen for signatures; name attributes as Python does."""
    for field in PyObject.doc_field_types:
        if field.name == "variable":
            field.label = "Attributes"
    app.connect("autodoc-process-signature", process)
    return {"parallel_read_safe": True}
