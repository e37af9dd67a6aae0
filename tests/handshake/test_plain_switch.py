"""A 101 response is read without h11 only if h11 would return exactly the same.

The required content of a response is tested elsewhere.
"""

from __future__ import annotations

import h11
import pytest
from hypothesis import example, given, settings, strategies as st
from openings import FRAMES, GOOD, fed, good, refusal, single_bytes, whole

from wirespeed._handshake import opening_handshake
from wirespeed._handshake.response_head import MAX_HEAD_BYTES, decode_headers, plain_switch

Found = tuple[str, list[tuple[str, str]], bytes]


def by_h11(data: bytes) -> Found | None:
    """Read a 101 response with h11; return `None` if it is something else, or not well formed."""
    connection = h11.Connection(h11.CLIENT)
    request = h11.Request(
        method="GET",
        target="/",
        headers=[("Host", "a"), ("Upgrade", "x"), ("Connection", "Upgrade")],
    )
    connection.send(request)
    connection.send(h11.EndOfMessage())
    connection.receive_data(data)
    try:
        event = connection.next_event()
    except h11.RemoteProtocolError:
        return None
    if not isinstance(event, h11.InformationalResponse) or event.status_code != 101:
        return None
    assert event.http_version == b"1.1"
    items = list(decode_headers(event).items())
    return event.reason.decode("latin-1"), items, connection.trailing_data[0]


def by_one_look(data: bytes) -> Found | None:
    found = plain_switch(data)
    if found is None:
        return None
    return found.reason, list(found.headers.items()), data[found.size :]


PLAIN = [
    good() + FRAMES,
    good() + b"\r\n\r\n" + good(),
    good(b"X:"),
    good(b"X:y"),
    good(b"X: \t y \t z\t "),
    good(b"x: 1", b"X: 2", b"x: 3"),
    good(b"X: \x80\xff\xa0\x85"),
    good(b"!#$%&'*+-.^_`|~09AZaz: :\"(),/;<=>?@[\\]{}"),
    good(b"X: " + b"x" * (MAX_HEAD_BYTES - len(good(b"X: ")))) + FRAMES,
    good().replace(b" Switching Protocols", b""),
    good().replace(b"Switching Protocols", b""),
    good().replace(b"Switching Protocols", b" \t \xfc "),
]

DOUBTFUL = [
    b"",
    good()[:-1],
    good()[:-2],
    good().replace(b"\r\n", b"\n"),
    good()[:-2] + b"\n",
    good().replace(b"1.1", b"1.0"),
    good().replace(b"1.1", b"1.2"),
    good().replace(b"HTTP", b"http"),
    good().replace(b" 101", b"  101"),
    good().replace(b"101", b"100"),
    good().replace(b"101", b"1010"),
    good().replace(b"Protocols", b"Protocols\x01"),
    good().replace(b"Protocols", b"Protocols\r"),
    b"\r\n" + good(),
    b"HTTP/1.1 101 \r\n\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\n" + good(),
    good(b"Content-Length: 0"),
    good(b"content-length: x"),
    good(b"Transfer-Encoding: chunked"),
    good(b"TRANSFER-ENCODING: gzip"),
    good(b"X: a", b" b"),
    good(b" X: a"),
    good(b"X : a"),
    good(b": a"),
    good(b"X"),
    good(b"X\xfc: a"),
    good(b"X: \x00"),
    good(b"X: \x01"),
    good(b"X: \x7f"),
    good(b"X: \x0b"),
    good(b"X: a\rb"),
    good(b"X: a\nb"),
    good(b"X: " + b"x" * (MAX_HEAD_BYTES + 1 - len(good(b"X: ")))),
]


@pytest.mark.parametrize("data", PLAIN, ids=lambda data: repr(data[-40:]))
def test_what_is_well_formed_needs_one_look(data: bytes) -> None:
    found = by_one_look(data)
    assert found is not None
    assert found == by_h11(data)


@pytest.mark.parametrize("data", DOUBTFUL, ids=lambda data: repr(data[-40:]))
def test_what_is_doubtful_is_left_to_h11(data: bytes) -> None:
    assert by_one_look(data) is None


LINES = st.sampled_from(
    [
        *(b"HTTP/1.1 101 OK\r\n", b"HTTP/1.1 101\r\n", b"HTTP/1.0 101 OK\r\n"),
        *(b"HTTP/1.1 100 OK\r\n", b"HTTP/1.1 101  \xfc\t\r\n", b"HTTP/1.1 101 OK\n", GOOD),
        *(b"A: b\r\n", b"A:\r\n", b"a:b\r\n", b"A: \t b  c \r\n", b"A : b\r\n", b" b\r\n"),
        *(b"A: b\n", b"A: \x00\r\n", b"A: \x0b\r\n", b"A: \xff\r\n", b"A\xff: b\r\n", b"A\r\n"),
        *(b"Content-Length: 3\r\n", b"Content-Length: x\r\n", b"Transfer-Encoding: x\r\n"),
        *(b"A: b: c\r\n", b": b\r\n", b"A:\rb\r\n", b"\r\n", b"\r\n\r\n", b"\n", b"\r", FRAMES),
    ]
)
FIRST = st.sampled_from([b"", b"HTTP/1.1 101 OK\r\n", GOOD])


@settings(max_examples=500)
@given(FIRST, st.lists(LINES | st.binary(max_size=3)), st.sampled_from([b"", b"\r\n", b"\r\n\r\n"]))
@example(GOOD, [b"A: b\r\n"], b"\r\n")
def test_never_against_h11(first: bytes, pieces: list[bytes], end: bytes) -> None:
    data = first + b"".join(pieces) + end
    found = by_one_look(data)
    if found is not None:
        assert found == by_h11(data)


@given(st.data())
def test_one_changed_byte(data: st.DataObject) -> None:
    wire = bytearray(good(b"A: b c", b"D:") + FRAMES)
    wire[data.draw(st.integers(0, len(wire) - 1))] = data.draw(st.integers(0, 255))
    found = by_one_look(bytes(wire))
    if found is not None:
        assert found == by_h11(bytes(wire))


@pytest.mark.parametrize("byte", range(256))
def test_each_byte_in_each_place(byte: int) -> None:
    for place in (
        b"HTTP/1.1 101 O%cK\r\nA: b\r\n\r\n",
        b"HTTP/1.1 101 OK\r\nA%cB: b\r\n\r\n",
        b"HTTP/1.1 101 OK\r\nA: b%cc\r\n\r\n",
        b"HTTP/1.1 101 OK\r\nA: b\r%c\r\n\r\n",
    ):
        data = place % byte
        found = by_one_look(data)
        assert found is None or found == by_h11(data)


@pytest.mark.parametrize(
    "piece", [b" ", b"\t", b"a ", b":", b"a: ", b"a:\r\n", b"\r\n", b"a: b\r\n", b"\r", b"\xff"]
)
def test_no_response_takes_long(piece: bytes) -> None:
    # If any of these made the search backtrack, this test would not end.
    for start in (b"HTTP/1.1 101 ", b"HTTP/1.1 101 OK\r\n", b"HTTP/1.1 101 OK\r\nA: "):
        data = start + piece * ((MAX_HEAD_BYTES - len(start)) // len(piece))
        assert by_one_look(data) in (None, by_h11(data))


def no_h11() -> h11.Connection:
    raise AssertionError("h11 was used")


def test_a_whole_response_is_read_without_h11(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening_handshake, "_h11_connection", no_h11)
    opening = fed(whole(good() + FRAMES))
    assert opening.result().status == 101
    assert opening.trailing_data == FRAMES
    opening = fed(whole(good(b"Upgrade: h2c")))
    assert "header Upgrade is 'websocket, h2c'" in str(refusal(opening))


def test_the_first_read_only() -> None:
    # After other bytes it is not the response, whatever it looks like.
    opening = fed([b"HTTP/1.1 403 No\r\nContent-Length: 500\r\n\r\n", good()])
    assert (refusal(opening).status, refusal(opening).body) == (403, good())
    opening = fed([b"HTTP/1.1 403 No\r\nX: ", good()])
    assert refusal(opening).status == 403


@pytest.mark.parametrize("lines", [(), (b"X: y", b"x: z"), (b"Sec-WebSocket-Protocol: chat",)])
def test_both_ways_give_the_same(lines: tuple[bytes, ...]) -> None:
    wire = good(*lines)
    one, other = fed(whole(wire)), fed(single_bytes(wire))
    assert one.result() == other.result()
    assert one.subprotocol == other.subprotocol
    assert one.result().url == "ws://server.example.com/chat"
