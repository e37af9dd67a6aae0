"""A table of responses with one mistake each, and the errors they cause.

Uses `OpeningHandshake` without sockets.
"""

from __future__ import annotations

import pytest
from openings import ACCEPT, SPLITS, Bad, Split, check, fed, good, handshake, refusal, single_bytes

S41 = "(RFC 6455 section 4.1)"
STATUS_LINE = "HTTP/1.1 and a status of 3 digits were expected (RFC 9112 section 4)"
NOT_HTTP = "an HTTP/1.1 status line was expected (RFC 9112 section 4)"
HEAD = "server sent a malformed response head with status"
HEADER_LINE = "a header line is malformed (RFC 9112 section 2.1)"
REFUSED = "server refused the upgrade: "
BROKEN_BODY = "(its body is incomplete or malformed)"
EXPECTED = f"{ACCEPT.decode()!r} was expected {S41}"
CHUNKED = b"HTTP/1.1 403 No\r\nTransfer-Encoding: chunked\r\n\r\n"


def changed(old: bytes, new: bytes) -> bytes:
    return good().replace(old, new)


def no_status_line(line: bytes) -> Bad:
    return Bad(line + b"\r\n\r\n", f"status line is {line!r}, {STATUS_LINE}")


def switch(wire: bytes, text: str) -> Bad:
    return Bad(wire, text, 101, "Switching Protocols")


def malformed(wire: bytes, text: str) -> Bad:
    return switch(wire, f"{HEAD} 101: {text} (RFC 9112 section 2.1)")


def bad_line(line: bytes) -> Bad:
    return malformed(good(line), "a header line is malformed")


STATUS_LINES = [
    no_status_line(b"HTTP/2 101 Switching Protocols"),
    no_status_line(b"HTTP/1 101 OK"),
    no_status_line(b"HTTP/1.10 101 OK"),
    no_status_line(b"HTTP/-1.1 101 OK"),
    no_status_line(b"HTTP/1.1 99 OK"),
    no_status_line(b"HTTP/1.1 -11 OK"),
    no_status_line(b"HTTP/1.1 0x1 OK"),
    no_status_line(b"HTTP/1.1 101OK"),
    no_status_line(b"HTTP/1.1\t101 OK"),
    no_status_line("HTTP/1.1 １０１ OK".encode()),
    Bad(b"HTTP/1.1 101 a\rb\r\n\r\n", f"status line is b'HTTP/1.1 101 a', {STATUS_LINE}"),
    Bad(
        b"HTTP/1.1 000 Zero\r\n\r\n",
        f"{HEAD} 000: the status is not between 100 and 999 (RFC 9112 section 2.1)",
        0,
        "Zero",
    ),
    Bad(b"HTTP/1.1 102 Processing\r\n\r\n", f"no response arrived from the server {S41}"),
    switch(
        changed(b"/1.1", b"/0.9"),
        "server answered in HTTP/0.9, HTTP/1.1 is required (RFC 6455 section 4.2.2)",
    ),
    switch(
        changed(b"/1.1", b"/3.0"),
        "server answered in HTTP/3.0, HTTP/1.1 is required (RFC 6455 section 4.2.2)",
    ),
]

HEADER_LINES = [
    bad_line(b": hunter2"),
    bad_line(b"X Y: hunter2"),
    bad_line(b"X : hunter2"),
    bad_line(b"X\t: hunter2"),
    bad_line(b"hunter2"),
    bad_line(b"X\xfc: hunter2"),
    bad_line(b"X\x01: hunter2"),
    bad_line(b'"X": hunter2'),
    bad_line(b"X: hunter2\x00"),
    bad_line(b"X: hunter2\x0b"),
    bad_line(b"X: hunter2\x0c"),
    bad_line(b"X: hunter2\rY: z"),
    malformed(good(b"Content-Length: hunter2"), "Content-Length is not a number"),
    malformed(good(b"Content-Length: -1"), "Content-Length is not a number"),
    malformed(good(b"Content-Length: " + b"9" * 99), "Content-Length is not a number"),
    malformed(good(b"Content-Length: 1", b"Content-Length: 2"), "the Content-Length values differ"),
    malformed(good(b"Transfer-Encoding: hunter2"), "Transfer-Encoding is not chunked"),
    malformed(
        good(b"Transfer-Encoding: chunked", b"transfer-encoding: chunked"),
        "Transfer-Encoding is there more than once",
    ),
    Bad(
        b"HTTP/1.1 103 Early\r\nLink : hunter2\r\n\r\n" + good(),
        f"{HEAD} 103: {HEADER_LINE}",
        103,
        "Early",
    ),
    switch(good(b"X" * 70_000 + b": y"), "response head is over 65536 bytes, which is the limit"),
    switch(good(*[b"X: y"] * 11_000), "response head is over 65536 bytes, which is the limit"),
]

UPGRADES = [
    switch(
        changed(b": websocket", b": web\r\n socket"),
        f"header Upgrade is 'web socket', 'websocket' was expected {S41}",
    ),
    switch(
        changed(b": Upgrade", b": keep-alive, close"),
        f"header Connection is 'keep-alive, close', 'Upgrade' was expected {S41}",
    ),
    switch(
        changed(b": Upgrade", b": keep-alive; Upgrade"),
        f"header Connection is 'keep-alive; Upgrade', 'Upgrade' was expected {S41}",
    ),
    switch(
        changed(b": Upgrade", b": ,, ,"),
        f"header Connection is missing, 'Upgrade' was expected {S41}",
    ),
    # The server echoes the key that was sent.
    switch(
        changed(ACCEPT, b"dGhlIHNhbXBsZSBub25jZQ=="),
        f"header Sec-WebSocket-Accept is 'dGhlIHNhbXBsZSBub25jZQ==', {EXPECTED}",
    ),
    switch(
        changed(ACCEPT, ACCEPT[:-1]),
        f"header Sec-WebSocket-Accept is {ACCEPT[:-1].decode()!r}, {EXPECTED}",
    ),
    switch(
        changed(ACCEPT, b'"%b"' % ACCEPT),
        f"""header Sec-WebSocket-Accept is '"{ACCEPT.decode()}"', {EXPECTED}""",
    ),
    switch(
        changed(ACCEPT, b"%b, %b" % (ACCEPT, ACCEPT)),
        f"header Sec-WebSocket-Accept is '{ACCEPT.decode()}, {ACCEPT.decode()}', {EXPECTED}",
    ),
    switch(
        good(b"sec-websocket-accept: x"),
        f"header Sec-WebSocket-Accept is there 2 times, {EXPECTED}",
    ),
    switch(
        good(b"Sec-WebSocket-Protocol: chat x"),
        f"server chose the subprotocol 'chat x', which was not offered {S41}",
    ),
    switch(
        good(b"Sec-WebSocket-Protocol: chat", b"Sec-WebSocket-Protocol: superchat"),
        "header Sec-WebSocket-Protocol is there 2 times, once is allowed (RFC 6455 section 11.3.4)",
    ),
    switch(
        good(b"Sec-WebSocket-Extensions:", b"Sec-WebSocket-Extensions: x-foo; a=1, y"),
        f"server chose the extension 'x-foo', none was offered {S41}",
    ),
    switch(
        good(b"Sec-WebSocket-Extensions: ;;;"),
        "header Sec-WebSocket-Extensions is malformed (RFC 6455 section 9.1)",
    ),
]

REFUSALS = [
    Bad(
        b"HTTP/1.1 426 Upgrade Required\r\nSec-WebSocket-Version: 8\r\nContent-Length: 0\r\n\r\n",
        f"{REFUSED}426 Upgrade Required",
        426,
        "Upgrade Required",
        headers=(("sec-websocket-version", "8"),),
    ),
    Bad(b"HTTP/1.1 204 No\r\n\r\n" + good(), f"{REFUSED}204 No", 204, "No"),
    Bad(b"HTTP/1.1 304 No\r\nContent-Length: 5\r\n\r\n", f"{REFUSED}304 No", 304, "No"),
    Bad(
        b"HTTP/1.1 403 No\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nab",
        f"{REFUSED}403 No",
        403,
        "No",
        b"ab",
    ),
    Bad(
        CHUNKED.replace(b"\r\nT", b"\r\nContent-Length: 9\r\nT") + b"1\r\na\r\n0\r\n\r\n",
        f"{REFUSED}403 No",
        403,
        "No",
        b"a",
    ),
    Bad(CHUNKED + b"-1\r\n", f"{REFUSED}403 No {BROKEN_BODY}", 403, "No"),
    Bad(CHUNKED + b"f" * 21 + b"\r\n", f"{REFUSED}403 No {BROKEN_BODY}", 403, "No"),
    Bad(
        CHUNKED.replace(b"/1.1", b"/1.0") + b"1\r\na\r\n0\r\n\r\n",
        f"{REFUSED}403 No (server answered in HTTP/1.0, HTTP/1.1 is required"
        " (RFC 6455 section 4.2.2))",
        403,
        "No",
        b"a",
    ),
    Bad(
        b"HTTP/1.1 302 Found\r\nLocation: ws://b/?hunter2\r\nContent-Length: 2\r\n\r\nab",
        f"{REFUSED}302 Found",
        302,
        "Found",
        b"ab",
    ),
    Bad(b"HTTP/1.1 302 Found\r\n\r\nab", f"{REFUSED}302 Found", 302, "Found", b"ab", eof=True),
]


@SPLITS
@pytest.mark.parametrize("bad", STATUS_LINES + HEADER_LINES + UPGRADES + REFUSALS)
def test_bad_response(bad: Bad, split: Split) -> None:
    check(bad, split)


@pytest.mark.parametrize(
    ("wire", "came"),
    [
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "b'PRI'"),
        (b"\x00\x00\x06\x04\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00d", None),
        (b"\x00\x00\x08\x07\x00\x00\x00\x00\x00" + bytes(8), None),
        (b"\x15\x03\x03\x00\x02\x02\x28", "a TLS alert (does the server want wss?)"),
        (b"\x16\x03\x03\x00\x3d\x02", "b'\\x16\\x03\\x03\\x00=\\x02'"),
        (b"<html>hi</html>", "b'<html>hi</html>'"),
        (b"HTTP 101 OK\r\n\r\n", "b'HTTP'"),
        (b"http/1.1 101 OK\r\n\r\n", "b'http/1.1'"),
        (b"ICY 200 OK\r\n\r\n", "b'ICY'"),
        (b"RTSP/1.0 200 OK\r\n\r\n", "b'RTSP/1.0'"),
        (b"-ERR unknown command\r\n", "b'-ERR'"),
        (b"J\x00\x00\x00\n8.0.36\x00", "b'J\\x00\\x00\\x00'"),
        (b"\r\n" + good(), "b'HTTP/1.1'"),
        (b"\xef\xbb\xbf" + good(), "b'\\xef\\xbb\\xbfHTTP/1.1'"),
        (b"HTTP/1.1 100 Continue\r\n\r\n\x00\x00", "b'\\x00\\x00'"),
    ],
)
def test_not_http(wire: bytes, came: str | None) -> None:
    shown = repr(wire[:16]) if came is None else came
    check(Bad(wire, f"server answered with {shown}, {NOT_HTTP}"), lambda data: [data])
    # Byte by byte there is less to quote.
    assert str(refusal(fed(single_bytes(wire)))).endswith(NOT_HTTP)


REDIRECT = b"HTTP/1.1 307 Temporary Redirect\r\nLocation: /b\r\nContent-Length: 500\r\n\r\n"


def test_a_redirect_that_is_followed_ends_with_its_head() -> None:
    opening = handshake(follows_redirects=True)
    verdicts = [opening.receive_data(byte) for byte in single_bytes(REDIRECT)]
    assert verdicts == [False] * (len(REDIRECT) - 1) + [True]
    error = refusal(opening)
    assert (error.status, error.headers["location"], error.body) == (307, "/b", b"")
    assert str(error) == f"{REFUSED}307 Temporary Redirect"


@pytest.mark.parametrize(
    "head",
    [
        REDIRECT.replace(b"Location", b"X-Location"),
        REDIRECT.replace(b"307", b"300"),
        REDIRECT.replace(b"307", b"304").replace(b"500", b"0"),
        REDIRECT.replace(b"307", b"403"),
    ],
)
def test_any_other_response_is_read_to_its_end(head: bytes) -> None:
    opening = fed([head], handshake(follows_redirects=True))
    body = b"" if b"304" in head else b"x" * 500
    opening.receive_data(body)
    assert refusal(opening).body == body


def test_an_answer_begins_with_the_end_of_its_head() -> None:
    opening = handshake()
    answered = []
    for byte in single_bytes(b"HTTP/1.1 100 Go\r\n\r\n" + REDIRECT):
        opening.receive_data(byte)
        answered.append(opening.is_answered)
    assert answered.index(True) == len(answered) - 1
