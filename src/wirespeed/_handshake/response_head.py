"""The head of a response, as bytes: what can be told from it before and beside h11.

Knows nothing of what the response should say. Header values are in no text from here.
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

# A 101 response that is well formed beyond doubt. Every repetition is possessive: no response can
# make the search go back and forth.
_TEXT: Final = r"[ \t!-~\x80-\xff]*+"
_HEADER: Final = rf"[!#$%&'*+\-.^_`|~0-9A-Za-z]++:{_TEXT}\r\n"
_PLAIN_SWITCH: Final = re.compile(rf"HTTP/1\.1 101(?: ({_TEXT}))?+\r\n((?:{_HEADER})++)\r\n")

# What nearly every 101 response says.
_USUAL: Final = {
    text: text
    for name in ("Connection", "Date", "Sec-WebSocket-Accept", "Server", "Upgrade")
    for text in (name, name.lower(), "WebSocket", "websocket")
}

# How h11's texts begin, and what is said instead.
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
        version: of HTTP, major and minor.
        status: the three digits.
        reason: the reason phrase; may be empty.
    """

    version: tuple[int, int]
    status: int
    reason: str


class PlainSwitch(NamedTuple):
    """A 101 response of HTTP/1.1 without any doubt in it.

    Attributes:
        reason: the reason phrase; may be empty.
        headers: as h11 would give them.
        size: how many bytes the head takes.
    """

    reason: str
    headers: CIMultiDictProxy[str]
    size: int


def plain_switch(data: bytes) -> PlainSwitch | None:
    """Read a 101 response that arrived whole; `None` for all that deserves a second look.

    Nearly all openings that succeed end here, at a tenth of what h11 takes for the same.
    """
    match = _PLAIN_SWITCH.match(data[:MAX_HEAD_BYTES].decode("latin-1"))
    if match is None:
        return None
    lines = [line.partition(":") for line in match[2].split("\r\n")]
    # Behind the last line end there is one more, empty.
    del lines[-1]
    headers = frozen_headers(
        [(_shared(name), _shared(value.strip(" \t"))) for name, _, value in lines]
    )
    # Without a meaning here; h11 knows which of them are wrong.
    if "Content-Length" in headers or "Transfer-Encoding" in headers:
        return None
    return PlainSwitch(match[1] or "", headers, match.end())


def _shared(text: str) -> str:
    """Return the one copy of what nearly all responses say; connections keep their headers."""
    return _USUAL.get(text, text)


def decode_headers(event: h11.InformationalResponse | h11.Response) -> CIMultiDictProxy[str]:
    """Take the headers over from h11."""
    return frozen_headers(
        [
            (name.decode("ascii"), value.decode("latin-1"))
            for name, value in event.headers.raw_items()
        ]
    )


def read_status_line(data: bytearray) -> StatusLine | str | None:
    """Look at the start of a response before h11 does, which waits for the end of the head.

    A server of another protocol would never send that, and the error would be a timeout.

    Returns:
        `None` as long as the line is not complete, and a text that says what came instead.
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
    """Say in our own words what h11 found: its words quote whole header lines."""
    if error.error_status_hint == _HEAD_TOO_LARGE:
        return head_too_long()
    text = str(error).lower()
    fault = next((own for start, own in _HEAD_FAULTS if text.startswith(start)), "")
    fault = fault or "it breaks the rules of HTTP/1.1"
    status = "" if line is None else f" with status {line.status:03}"
    return f"server sent a malformed response head{status}: {fault} (RFC 9112 section 2.1)"


def head_too_long() -> str:
    """Say that the head does not end in time."""
    return f"response head is over {MAX_HEAD_BYTES} bytes, which is the limit"


def version_fault(line: StatusLine | None) -> str | None:
    """Say what is wrong with the version of HTTP."""
    if line is None or (line.version[0] == 1 and line.version[1] >= 1):
        return None
    version = ".".join(map(str, line.version))
    return f"server answered in HTTP/{version}, HTTP/1.1 is required (RFC 6455 section 4.2.2)"


def _not_http(data: bytearray) -> str:
    if data.startswith(_TLS_ALERT_START):
        came = "a TLS alert (does the server want wss?)"
    else:
        # One word: a server that echoes would have the whole request quoted.
        words = bytes(data[:16]).split(maxsplit=1)
        came = repr(words[0] if words else bytes(data[:16]))
    return f"server answered with {came}, an HTTP/1.1 status line was expected (RFC 9112 section 4)"
