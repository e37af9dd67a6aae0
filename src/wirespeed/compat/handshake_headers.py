"""Handshake headers among a program's own headers: what does no harm is dropped, the rest refused.

Programs paste headers from a browser, or name what the client sends anyway. No error text quotes a
header value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from multidict import CIMultiDict


def _items(value: str) -> list[str]:
    """Return the items of a header that is a list (RFC 9110 section 5.6.1)."""
    return [item for part in value.split(",") if (item := part.strip(" \t"))]


def _may_connect(value: str) -> bool:
    return {item.lower() for item in _items(value)} <= {"upgrade", "keep-alive"}


def _may_extend(value: str) -> bool:
    names = {item.partition(";")[0].strip().lower() for item in _items(value)}
    return names <= {"permessage-deflate", "x-webkit-deflate-frame"}


# For each header of the handshake: whether a value is what is sent anyway, or may be left out.
_HARMLESS: Final[Mapping[str, Callable[[str], bool]]] = {
    "Upgrade": lambda value: value.strip().lower() == "websocket",
    "Connection": _may_connect,
    "Sec-WebSocket-Version": lambda value: value.strip() == "13",
    # The server's answer is checked against the key that is really sent.
    "Sec-WebSocket-Key": lambda _: True,
    "Sec-WebSocket-Extensions": _may_extend,
    "Content-Length": lambda value: value.strip() == "0",
}


def without_handshake(headers: CIMultiDict[str]) -> CIMultiDict[str]:
    """Return the headers without those that the opening handshake sends itself.

    Sec-WebSocket-Protocol is dropped, too: see `offered`.

    Raises:
        ValueError: a header asks for something that cannot work.
    """
    left = CIMultiDict(headers)
    for name, is_harmless in _HARMLESS.items():
        for value in left.popall(name, ()):
            if not is_harmless(str(value)):
                raise ValueError(f"header {name!r} asks for something else than a WebSocket does")
    left.popall("Sec-WebSocket-Protocol", None)
    return left


def offered(protocols: Iterable[str], headers: CIMultiDict[str]) -> list[str]:
    """Return the subprotocols to offer: those of the parameter, then those of the headers."""
    if isinstance(protocols, str):
        raise TypeError("protocols must be an iterable of str, not a str")
    values = headers.getall("Sec-WebSocket-Protocol", ())
    return list(dict.fromkeys([*protocols, *(item for value in values for item in _items(value))]))


def offers_compression(headers: CIMultiDict[str]) -> bool:
    """Return whether the headers offer permessage-deflate (RFC 7692 section 5)."""
    values = headers.getall("Sec-WebSocket-Extensions", ())
    return any("permessage-deflate" in value.lower() for value in values)
