"""A response to the opening handshake: whole, as a shortcut may read it, and in pieces."""

from __future__ import annotations

from typing import Any

from fuzz.source import Source
from wirespeed import Deflate
from wirespeed._handshake.opening_handshake import OpeningHandshake
from wirespeed._handshake.request import Ask
from wirespeed._handshake.url import parse_url
from wirespeed.exceptions import HandshakeError

_URL = parse_url("ws://localhost/")
_ASKS = (Ask(), Ask(subprotocols=("a", "b")), Ask(compression=Deflate()))
# The answer to a key of 16 zeros, for inputs that write `@`.
_ACCEPT = b"ICX+Yqv66kxgM0FcWaLWlFLwTAI="
_MOST_PIECES = 32
_START = b"HTTP/1.1 101 \r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "


def one_input(data: bytes) -> None:
    """Read a response in two ways, which must come to the same result."""
    source = Source(data)
    ask = source.one_of(_ASKS)
    follows_redirects = bool(source.below(2))
    begins_well = bool(source.below(2))
    size = 1 + source.byte()
    head = source.rest().replace(b"@", _ACCEPT)
    if begins_well:
        head = _START + _ACCEPT + b"\r\n" + head
    whole = _outcome(ask, follows_redirects, [head])
    size = max(size, len(head) // _MOST_PIECES)
    pieces = [head[at : at + size] for at in range(0, len(head), size)]
    cut = _outcome(ask, follows_redirects, pieces)
    assert whole == cut, (whole, cut)


def _outcome(ask: Ask, follows_redirects: bool, pieces: list[bytes]) -> dict[str, Any]:
    handshake = OpeningHandshake(_URL, ask, follows_redirects=follows_redirects, key=bytes(16))
    for piece in pieces:
        handshake.receive_data(piece)
    handshake.receive_eof()
    try:
        response = handshake.result()
    except HandshakeError as fault:
        return {
            "fault": _without_quotes(str(fault)),
            "status": fault.status,
            "reason": fault.reason,
            "headers": list(fault.headers.items()),
            "body": fault.body,
        }
    assert response.status == 101
    return {
        "reason": response.reason,
        "headers": list(response.headers.items()),
        "trailing": handshake.trailing_data,
        "subprotocol": handshake.subprotocol,
        "compression": handshake.compression,
    }


def _without_quotes(text: str) -> str:
    """Leave out what a text quotes: as much of the first line as had arrived."""
    return text.partition(" with ")[0] if "status line was expected" in text else text
