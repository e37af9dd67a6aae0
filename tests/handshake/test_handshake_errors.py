"""Refusals with their bodies, malformed responses, and answers that are not HTTP.

Uses `OpeningHandshake` without sockets.
"""

from __future__ import annotations

import pytest
from openings import (
    FRAMES,
    SPLITS,
    Bad,
    Split,
    check,
    fed,
    good,
    handshake,
    refusal,
    single_bytes,
    whole,
)

from wirespeed._handshake.opening_handshake import MAX_BODY_BYTES, MAX_HEAD_BYTES

S41 = "(RFC 6455 section 4.1)"
SWITCHING = "Switching Protocols"
STATUS_LINE = "HTTP/1.1 and a status of 3 digits were expected (RFC 9112 section 4)"
NOT_HTTP = "an HTTP/1.1 status line was expected (RFC 9112 section 4)"
HEAD = "server sent a malformed response head"
REFUSED = "server refused the upgrade: "
BROKEN_BODY = "(its body is incomplete or malformed)"
LATE_BODY = "(its body did not arrive in time)"
BIG = b"b" * (MAX_BODY_BYTES + 1)
LENGTH_5 = (("content-length", "5"),)
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"
SECRET_LINE = b"Set-Cookie : hunter2\r\n"

REFUSALS = [
    Bad(
        b"HTTP/1.1 403 Forbidden\r\nContent-Length: 5\r\n\r\nsorry",
        f"{REFUSED}403 Forbidden",
        403,
        "Forbidden",
        b"sorry",
        LENGTH_5,
    ),
    Bad(
        b"HTTP/1.1 403 Forbidden\r\nContent-Length: 5\r\n\r\nsorry, next response",
        f"{REFUSED}403 Forbidden",
        403,
        "Forbidden",
        b"sorry",
        LENGTH_5,
    ),
    Bad(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", f"{REFUSED}200 OK", 200, "OK"),
    Bad(b"HTTP/1.1 204\r\n\r\n", f"{REFUSED}204", 204),
    Bad(b"HTTP/1.1 304 \r\n\r\n", f"{REFUSED}304", 304),
    Bad(
        b"HTTP/1.1 301 Moved\r\nLocation: wss://b/\r\nContent-Length: 0\r\n\r\n",
        f"{REFUSED}301 Moved",
        301,
        "Moved",
        b"",
        (("location", "wss://b/"),),
    ),
    Bad(
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n",
        f"{REFUSED}401 No",
        401,
        "No",
    ),
    Bad(b"HTTP/1.1 999 \xfc\r\nContent-Length: 0\r\n\r\n", f"{REFUSED}999 ü", 999, "ü"),
    Bad(
        b"HTTP/1.1 600 \x1b[31mred\r\nContent-Length: 0\r\n\r\n",
        f"{REFUSED}600 '\\x1b[31mred'",
        600,
        "\x1b[31mred",
    ),
    Bad(
        b"HTTP/1.1 500 " + b"r" * 99 + b"\r\nContent-Length: 0\r\n\r\n",
        f"{REFUSED}500 {'r' * 80}",
        500,
        "r" * 99,
    ),
    Bad(
        b"HTTP/1.1 503 No\r\n" + CHUNKED + b"3;x=y\r\nsor\r\n2\r\nry\r\n0\r\nT: 1\r\n\r\n",
        f"{REFUSED}503 No",
        503,
        "No",
        b"sorry",
    ),
    Bad(
        b"HTTP/1.1 502 Bad Gateway\r\n\r\nsorry",
        f"{REFUSED}502 Bad Gateway",
        502,
        "Bad Gateway",
        b"sorry",
        eof=True,
    ),
    Bad(
        b"HTTP/1.1 502 Bad Gateway\r\n\r\n",
        f"{REFUSED}502 Bad Gateway",
        502,
        "Bad Gateway",
        b"",
        eof=True,
    ),
    Bad(
        b"HTTP/1.0 403 No\r\n\r\nsorry",
        f"{REFUSED}403 No (server answered in HTTP/1.0, HTTP/1.1 is required"
        " (RFC 6455 section 4.2.2))",
        403,
        "No",
        b"sorry",
        eof=True,
    ),
    Bad(
        b"HTTP/1.1 403 No\r\nContent-Length: 5\r\n\r\nsor",
        f"{REFUSED}403 No {BROKEN_BODY}",
        403,
        "No",
        b"sor",
        LENGTH_5,
        eof=True,
    ),
    Bad(
        b"HTTP/1.1 403 No\r\n" + CHUNKED + b"5\r\nsor",
        f"{REFUSED}403 No {BROKEN_BODY}",
        403,
        "No",
        b"sor",
        eof=True,
    ),
    Bad(
        b"HTTP/1.1 403 No\r\n" + CHUNKED + b"3\r\nsorry",
        f"{REFUSED}403 No {BROKEN_BODY}",
        403,
        "No",
        b"sor",
    ),
    Bad(
        b"HTTP/1.1 403 No\r\n" + CHUNKED + b"x\r\nsorry",
        f"{REFUSED}403 No {BROKEN_BODY}",
        403,
        "No",
    ),
    Bad(
        b"HTTP/1.1 403 No\r\nContent-Length: 5\r\n\r\nsor",
        f"{REFUSED}403 No {LATE_BODY}",
        403,
        "No",
        b"sor",
        LENGTH_5,
    ),
    Bad(
        b"HTTP/1.1 403 No\r\n" + CHUNKED + b"5\r\nsor",
        f"{REFUSED}403 No {LATE_BODY}",
        403,
        "No",
        b"sor",
    ),
    Bad(b"HTTP/1.1 403 No\r\n\r\nsor", f"{REFUSED}403 No {LATE_BODY}", 403, "No", b"sor"),
    Bad(b"HTTP/1.1 403 No\r\n\r\n" + BIG, f"{REFUSED}403 No", 403, "No", BIG[:-1]),
    Bad(b"HTTP/1.1 403 No\r\n\r\n" + BIG[:-1], f"{REFUSED}403 No", 403, "No", BIG[:-1], eof=True),
    Bad(
        b"HTTP/1.1 403 No\r\nContent-Length: 99999999999\r\n\r\n" + BIG,
        f"{REFUSED}403 No",
        403,
        "No",
        BIG[:-1],
    ),
    Bad(
        b"HTTP/1.1 403 No\r\n" + CHUNKED + b"1\r\nb\r\n" * len(BIG),
        f"{REFUSED}403 No",
        403,
        "No",
        BIG[:-1],
    ),
]

MALFORMED = [
    Bad(b"", f"no response arrived from the server {S41}", None),
    Bad(b"", f"server closed the connection without a response {S41}", None, eof=True),
    Bad(
        b"HTT",
        f"no response arrived from the server: its head is unfinished after 3 bytes {S41}",
        None,
    ),
    Bad(
        b"HTT",
        f"server closed the connection inside the head of its response, after 3 bytes {S41}",
        None,
        eof=True,
    ),
    Bad(
        good()[:-2],
        f"no response arrived from the server: its head is unfinished after 127 bytes {S41}",
        101,
        SWITCHING,
    ),
    Bad(
        good()[:-2],
        f"server closed the connection inside the head of its response, after 127 bytes {S41}",
        None,
        eof=True,
    ),
    Bad(b"HTTP/1.1 100 Continue\r\n\r\n", f"no response arrived from the server {S41}", None),
    Bad(
        b"HTTP/1.1 100 Continue\r\n\r\n",
        f"server closed the connection without a response {S41}",
        None,
        eof=True,
    ),
    Bad(
        b"HTTP/1.1 100 Continue\r\n\r\n" * 17,
        "server sent more than 16 interim responses (RFC 9110 section 15.2)",
        100,
        "Continue",
    ),
    Bad(
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1\r\n",
        f"status line is b'HTTP/1.1', {STATUS_LINE}",
        None,
    ),
    Bad(b"HTTP/1.1 OK\r\n", f"status line is b'HTTP/1.1 OK', {STATUS_LINE}", None),
    Bad(b"HTTP/1.1 1010 OK\r\n", f"status line is b'HTTP/1.1 1010 OK', {STATUS_LINE}", None),
    Bad(b"HTTP/1.1  101 OK\r\n", f"status line is b'HTTP/1.1  101 OK', {STATUS_LINE}", None),
    Bad(b"HTTP/11 101 OK\r\n", f"status line is b'HTTP/11 101 OK', {STATUS_LINE}", None),
    Bad(b"HTTP/1.1 101 OK\r\r\n", f"status line is b'HTTP/1.1 101 OK', {STATUS_LINE}", None),
    Bad(b"HTTP/" + b"x" * 99 + b"\n", f"status line is b'HTTP/{'x' * 75}', {STATUS_LINE}", None),
    Bad(
        b"HTTP/1.1 099 Low\r\n\r\n",
        f"{HEAD} with status 099: the status is not between 100 and 999 (RFC 9112 section 2.1)",
        99,
        "Low",
    ),
    Bad(
        b"HTTP/1.1 101 \x00\r\n\r\n",
        f"{HEAD} with status 101: the status line is malformed (RFC 9112 section 2.1)",
        101,
        "\x00",
    ),
    Bad(
        b"HTTP/1.1 101 OK\r\n" + SECRET_LINE + b"\r\n",
        f"{HEAD} with status 101: a header line is malformed (RFC 9112 section 2.1)",
        101,
        "OK",
    ),
    Bad(
        b"HTTP/1.1 101 OK\r\nhunter2\r\n\r\n",
        f"{HEAD} with status 101: a header line is malformed (RFC 9112 section 2.1)",
        101,
        "OK",
    ),
    Bad(
        b"HTTP/1.1 101 OK\r\nSet-Cookie: hunter2\x00\r\n\r\n",
        f"{HEAD} with status 101: a header line is malformed (RFC 9112 section 2.1)",
        101,
        "OK",
    ),
    Bad(
        b"HTTP/1.1 101 OK\r\n hunter2: 1\r\n\r\n",
        f"{HEAD} with status 101: a continuation line comes before the first header"
        " (RFC 9112 section 2.1)",
        101,
        "OK",
    ),
    Bad(
        b"HTTP/1.1 403 No\r\nContent-Length: 1, 2\r\n\r\n",
        f"{HEAD} with status 403: the Content-Length values differ (RFC 9112 section 2.1)",
        403,
        "No",
    ),
    Bad(
        b"HTTP/1.1 403 No\r\nContent-Length: hunter2\r\n\r\n",
        f"{HEAD} with status 403: Content-Length is not a number (RFC 9112 section 2.1)",
        403,
        "No",
    ),
    Bad(
        b"HTTP/1.1 403 No\r\nTransfer-Encoding: gzip\r\n\r\n",
        f"{HEAD} with status 403: Transfer-Encoding is not chunked (RFC 9112 section 2.1)",
        403,
        "No",
    ),
    Bad(
        b"HTTP/1.1 403 No\r\n" + CHUNKED[:-2] + CHUNKED,
        f"{HEAD} with status 403: Transfer-Encoding is there more than once (RFC 9112 section 2.1)",
        403,
        "No",
    ),
    Bad(
        good(b"X: " + b"x" * (MAX_HEAD_BYTES + 1 - len(good(b"X: ")))),
        "response head is over 65536 bytes, which is the limit",
        101,
        SWITCHING,
    ),
    Bad(
        b"HTTP/1.1 403 No\r\n" + b"X: y\r\n" * 11000,
        "response head is over 65536 bytes, which is the limit",
        403,
        "No",
    ),
    Bad(
        b"HTTP/1.1 403 " + b"x" * MAX_HEAD_BYTES,
        "response head is over 65536 bytes, which is the limit",
        None,
    ),
]

NOT_HTTP_AT_ALL = [
    Bad(b"SSH-2.0-OpenSSH_9.6\r\n", f"server answered with b'SSH-2.0-OpenSSH_', {NOT_HTTP}", None),
    Bad(b"Hello", f"server answered with b'Hello', {NOT_HTTP}"),
    Bad(b"220 mail ESMTP\r\n", f"server answered with b'220', {NOT_HTTP}", None),
    Bad(b"GET /?token=hunter2 HTTP/1.1\r\n", f"server answered with b'GET', {NOT_HTTP}", None),
    Bad(b"\r\nHTTP/1.1 101 OK", f"server answered with b'HTTP/1.1', {NOT_HTTP}", None),
    Bad(b" ", f"server answered with b' ', {NOT_HTTP}", None),
    Bad(b"http/1.1 101 OK", f"server answered with b'http/1.1', {NOT_HTTP}", None),
    Bad(
        b"\x15\x03\x01\x00\x02\x02\x46",
        f"server answered with a TLS alert (does the server want wss?), {NOT_HTTP}",
        None,
    ),
    Bad(
        b"\x00\x00\x12\x04\x00",
        f"server answered with b'\\x00\\x00\\x12\\x04\\x00', {NOT_HTTP}",
        None,
    ),
    Bad(FRAMES, f"server answered with b'\\x81\\x02hi\\x82\\x04', {NOT_HTTP}", None),
]


@SPLITS
@pytest.mark.parametrize("bad", REFUSALS + MALFORMED)
def test_bad_response(bad: Bad, split: Split) -> None:
    check(bad, split)


@pytest.mark.parametrize("bad", NOT_HTTP_AT_ALL)
def test_not_http(bad: Bad) -> None:
    check(bad, whole)
    # Byte by byte, the error comes at the first wrong byte, with less to quote.
    opening = handshake()
    verdicts = [opening.receive_data(byte) for byte in single_bytes(bad.wire)]
    assert True in verdicts[: len(b"HTTP/")]
    error = refusal(opening)
    assert NOT_HTTP in str(error)
    assert (error.status, error.reason, error.body) == (None, "", b"")


def test_verdict_comes_with_the_last_byte_of_a_body() -> None:
    wire = b"HTTP/1.1 403 No\r\nContent-Length: 5\r\n\r\nsorry"
    opening = handshake()
    assert [opening.receive_data(byte) for byte in single_bytes(wire)] == [
        index == len(wire) - 1 for index in range(len(wire))
    ]


def test_early_result_does_not_end_the_handshake() -> None:
    opening = handshake()
    assert opening.receive_data(good()[:50]) is False
    assert refusal(opening).status == 101
    assert opening.receive_data(good()[50:]) is True
    assert opening.result().status == 101


def test_body_limit_is_inclusive() -> None:
    opening = fed([b"HTTP/1.1 403 No\r\n\r\n"])
    assert opening.receive_data(BIG[:-1]) is False
    assert opening.receive_data(BIG[-1:]) is True


def test_after_a_body_that_is_too_long_nothing_is_kept() -> None:
    opening = fed([b"HTTP/1.1 403 No\r\n\r\n", BIG])
    assert opening.receive_data(BIG) is True
    assert len(refusal(opening).body) == MAX_BODY_BYTES
