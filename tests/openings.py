"""Helpers for opening handshakes: a known key, a good response, ways to feed it, ways to fail.

Uses `OpeningHandshake` without sockets.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeAlias

import pytest

from wirespeed._handshake.opening_handshake import OpeningHandshake
from wirespeed._handshake.request import Ask
from wirespeed._handshake.url import parse_url
from wirespeed.exceptions import HandshakeError

Split: TypeAlias = Callable[[bytes], list[bytes]]

# Test inputs have it in every place that could hold a secret. No error text may contain it.
HIDDEN = "hunter2"
# RFC 6455 section 1.3.
NONCE = b"the sample nonce"
ACCEPT = b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
GOOD = (
    b"HTTP/1.1 101 Switching Protocols\r\n"
    b"Upgrade: websocket\r\n"
    b"Connection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: " + ACCEPT + b"\r\n"
)
FRAMES = b"\x81\x02hi\x82\x04\r\n\r\n"


def handshake(
    url: str = "ws://server.example.com/chat",
    *,
    follows_redirects: bool = False,
    **asked: Any,
) -> OpeningHandshake:
    """Make a handshake with the known key; `asked` holds the parameters of `Ask`."""
    return OpeningHandshake(
        parse_url(url), Ask(**asked), follows_redirects=follows_redirects, key=NONCE
    )


def good(*lines: bytes) -> bytes:
    return GOOD + b"".join(line + b"\r\n" for line in lines) + b"\r\n"


def refusal(opening: OpeningHandshake) -> HandshakeError:
    with pytest.raises(HandshakeError) as caught:
        opening.result()
    return caught.value


def fed(chunks: Iterable[bytes], opening: OpeningHandshake | None = None) -> OpeningHandshake:
    opening = handshake(subprotocols=["chat", "superchat"]) if opening is None else opening
    for chunk in chunks:
        opening.receive_data(chunk)
    return opening


def single_bytes(data: bytes) -> list[bytes]:
    return [data[index : index + 1] for index in range(len(data))]


def whole(data: bytes) -> list[bytes]:
    return [data]


SPLITS = pytest.mark.parametrize("split", [whole, single_bytes])


@dataclass(frozen=True)
class Bad:
    """A response, and the error that it must cause."""

    wire: bytes
    text: str
    status: int | None = None
    reason: str = ""
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    eof: bool = False


def check(bad: Bad, split: Split) -> OpeningHandshake:
    """Feed the response in pieces, and compare everything that the error reports."""
    opening = fed(split(bad.wire))
    if bad.eof:
        opening.receive_eof()
    error = refusal(opening)
    assert (str(error), error.status, error.reason) == (bad.text, bad.status, bad.reason)
    assert error.body == bad.body
    for name, value in bad.headers:
        assert error.headers[name] == value
    assert HIDDEN not in str(error)
    assert error.__cause__ is None
    assert error.__context__ is None
    assert str(refusal(opening)) == str(error)
    assert (opening.subprotocol, opening.trailing_data) == (None, b"")
    return opening
