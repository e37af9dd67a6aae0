"""The head of a response, as bytes: the checks and shortcuts that h11 does not have.

Does not check the handshake's headers. No error text from here quotes a header value.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

import h11
from multidict import CIMultiDictProxy

from .._base.response import frozen_headers
from .response_checks import QUOTED_CHARACTERS

MAX_HEAD_BYTES: Final = 64 * 1024

_HEAD_TOO_LARGE: Final = 431
_STATUS_LINE_START: Final = b"HTTP/"
_TLS_ALERT_START: Final = b"\x15\x03"
_STATUS_LINE: Final = re.compile(rb"HTTP/([0-9])\.([0-9]) ([0-9]{3})(?: ([^\r\n]*))?\r?\n")

# A 101 response that is well formed beyond doubt. Every repetition is possessive, so that no
# response can cause backtracking.
_TEXT: Final = r"[ \t!-~\x80-\xff]*+"
_HEADER: Final = rf"[!#$%&'*+\-.^_`|~0-9A-Za-z]++:{_TEXT}\r\n"
_PLAIN_SWITCH: Final = re.compile(rf"HTTP/1\.1 101(?: ({_TEXT}))?+\r\n((?:{_HEADER})++)\r\n")

_CODINGS: Final = rb"(?:(?:identity|x-gzip|gzip|deflate|x-compress|compress|br|zstd)[ \t]*,[ \t]*)+"
_TRANSFER_CODING: Final = re.compile(
    rb"\r?\nTransfer-Encoding:[ \t]*(identity|" + _CODINGS + rb"(chunked))[ \t]*(?=\r?\n)",
    re.IGNORECASE,
)

# Texts that nearly every 101 response contains.
_USUAL: Final = {
    text: text
    for name in ("Connection", "Date", "Sec-WebSocket-Accept", "Server", "Upgrade")
    for text in (name, name.lower(), "WebSocket", "websocket")
}

# The beginnings of h11's texts, and our texts for them.
_HEAD_FAULTS: Final = (
    ("illegal status line", "the status line is malformed"),
    ("illegal header line", "a header line is malformed"),
    ("continuation line", "a continuation line comes before the first header"),
    ("conflicting content-length", "the Content-Length values differ"),
    ("bad content-length", "Content-Length is not a number"),
    ("multiple transfer-encoding", "Transfer-Encoding is there more than once"),
    ("only transfer-encoding", "Transfer-Encoding is not chunked"),
    ("informationalresponse status_code", "the status is not between 100 and 999"),
)


class StatusLine(NamedTuple):
    """The first line of a response.

    Attributes:
        version: the version of HTTP, major and minor.
        status: the status of three digits.
        reason: the reason phrase; may be empty.
    """

    version: tuple[int, int]
    status: int
    reason: str


class PlainSwitch(NamedTuple):
    """A well-formed 101 response of HTTP/1.1.

    Attributes:
        reason: the reason phrase; may be empty.
        headers: the headers, the same as h11 would return.
        size: the size of the head in bytes.
    """

    reason: str
    headers: CIMultiDictProxy[str]
    size: int


def plain_switch(data: bytes) -> PlainSwitch | None:
    """Read a plain 101 response whose head arrived whole; return `None` for any other response.

    Nearly all openings that succeed end here, in a tenth of the time that h11 takes.
    """
    match = _PLAIN_SWITCH.match(data[:MAX_HEAD_BYTES].decode("latin-1"))
    if match is None:
        return None
    lines = [line.partition(":") for line in match[2].split("\r\n")]
    # `split` returns an empty string after the last line end.
    del lines[-1]
    headers = frozen_headers(
        [(_shared(name), _shared(value.strip(" \t"))) for name, _, value in lines]
    )
    # These have no meaning in a 101 response; h11 finds out whether they are malformed.
    if "Content-Length" in headers or "Transfer-Encoding" in headers:
        return None
    return PlainSwitch(match[1] or "", headers, match.end())


def _shared(text: str) -> str:
    """Return the shared copy of a usual text: it saves memory, as connections keep headers."""
    return _USUAL.get(text, text)


def decode_headers(
    event: h11.InformationalResponse | h11.Response, coding: str = ""
) -> CIMultiDictProxy[str]:
    """Return the headers of an h11 event, decoded.

    Args:
        event: the event.
        coding: the Transfer-Encoding that h11 was not shown; see `strip_codings`.
    """
    pairs = [
        (name.decode("ascii"), value.decode("latin-1")) for name, value in event.headers.raw_items()
    ]
    if coding:
        pairs = [pair for pair in pairs if pair[0].lower() != "transfer-encoding"]
        pairs.append(("Transfer-Encoding", coding))
    return frozen_headers(pairs)


def strip_codings(error: h11.ProtocolError, data: bytes) -> tuple[str, bytes] | None:
    """Remove the transfer codings from a response that h11 refuses because of them.

    `identity` means nothing, and is no coding any more (RFC 9112 section 7). Of codings that end
    with chunks, only these are left.

    Args:
        error: the error of h11.
        data: the response so far, from the first byte of its head.

    Returns:
        The value of Transfer-Encoding, and the response to read instead. `None` if `error` has
        another reason, or the value is not one of those.
    """
    match = _TRANSFER_CODING.search(data)
    if match is None or not str(error).lower().startswith("only transfer-encoding"):
        return None
    kept = b"\r\nTransfer-Encoding: chunked" if match[2] else b""
    return match[1].decode("ascii"), data[: match.start()] + kept + data[match.end() :]


def read_status_line(data: bytearray) -> StatusLine | str | None:
    """Read the status line before h11 does, because h11 waits for the end of the head.

    A server of another protocol never sends such an end, so the error would be a timeout.

    Returns:
        The status line, `None` as long as it is not complete, or a text that describes the fault.
    """
    start = bytes(data[: len(_STATUS_LINE_START)])
    if not _STATUS_LINE_START.startswith(start):
        return _not_http(data)
    if b"\n" not in data:
        return None
    match = _STATUS_LINE.match(data)
    if match is None:
        line = bytes(data[:QUOTED_CHARACTERS]).splitlines()[0]
        return (
            f"status line is {line!r}, HTTP/1.1 and a status of 3 digits were expected"
            " (RFC 9112 section 4)"
        )
    version = int(match[1]), int(match[2])
    return StatusLine(version, int(match[3]), (match[4] or b"").decode("latin-1"))


def malformed_head(error: h11.ProtocolError, line: StatusLine | None) -> str:
    """Describe a fault that h11 found. Its own texts are not used: they quote header lines."""
    if error.error_status_hint == _HEAD_TOO_LARGE:
        return head_too_long()
    text = str(error).lower()
    fault = next((own for start, own in _HEAD_FAULTS if text.startswith(start)), "")
    fault = fault or "it breaks the rules of HTTP/1.1"
    status = "" if line is None else f" with status {line.status:03}"
    return f"server sent a malformed response head{status}: {fault} (RFC 9112 section 2.1)"


def head_too_long() -> str:
    """Return the text for a head that is over the limit."""
    return f"response head is over {MAX_HEAD_BYTES} bytes, which is the limit"


def version_fault(line: StatusLine | None) -> str | None:
    """Return the fault of the HTTP version; `None` if it is valid or not known."""
    if line is None or (line.version[0] == 1 and line.version[1] >= 1):
        return None
    version = ".".join(map(str, line.version))
    return f"server answered in HTTP/{version}, HTTP/1.1 is required (RFC 6455 section 4.2.2)"


def _not_http(data: bytearray) -> str:
    if data.startswith(_TLS_ALERT_START):
        came = "a TLS alert (does the server want wss?)"
    else:
        # Quote one word only: a server may echo the whole request.
        words = bytes(data[:16]).split(maxsplit=1)
        came = repr(words[0] if words else bytes(data[:16]))
    return f"server answered with {came}, an HTTP/1.1 status line was expected (RFC 9112 section 4)"
