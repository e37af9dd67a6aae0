"""Responses with status 101, good and bad, and responses of arbitrary bytes.

Uses `OpeningHandshake` without sockets.
"""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st
from openings import (
    ACCEPT,
    FRAMES,
    GOOD,
    HIDDEN,
    SPLITS,
    Bad,
    Split,
    check,
    fed,
    good,
    handshake,
    refusal,
    single_bytes,
)

from wirespeed._handshake.opening_handshake import MAX_HEAD_BYTES, MAX_INTERIM_RESPONSES, Response
from wirespeed.exceptions import HandshakeError


def test_every_split_of_a_good_response() -> None:
    wire = b"HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n" + good(
        b"Sec-WebSocket-Protocol: superchat", b"Set-Cookie: a=1", b"set-cookie: b=\xfc"
    )
    for cut in range(len(wire + FRAMES) + 1):
        opening = handshake(subprotocols=["chat", "superchat"])
        first, second = (wire + FRAMES)[:cut], (wire + FRAMES)[cut:]
        assert opening.receive_data(first) is (cut >= len(wire))
        assert opening.receive_data(second) is True
        response = opening.result()
        assert (response.status, response.reason) == (101, "Switching Protocols")
        assert response.headers.getall("SET-COOKIE") == ["a=1", "b=ü"]
        assert response.headers["upgrade"] == "websocket"
        assert "ChannelProtocol" not in response.headers
        assert opening.subprotocol == "superchat"
        assert opening.trailing_data == FRAMES


def test_single_bytes_and_empty_reads() -> None:
    wire = good()
    opening = handshake()
    verdicts = [
        opening.receive_data(chunk) for byte in single_bytes(wire + FRAMES) for chunk in (b"", byte)
    ]
    assert verdicts == [index >= 2 * len(wire) - 1 for index in range(len(verdicts))]
    opening.receive_eof()
    assert opening.result().status == 101
    assert opening.subprotocol is None
    assert opening.trailing_data == FRAMES


@pytest.mark.parametrize(
    "wire",
    [
        good(),
        good().replace(b"\r\n", b"\n"),
        good().replace(b" Switching Protocols", b""),
        good().replace(b"Switching Protocols", b""),
        good().replace(b"HTTP/1.1", b"HTTP/1.2"),
        good().replace(b"Upgrade: websocket", b"UPGRADE:WebSocket \t"),
        good().replace(b"Connection: Upgrade", b"connection: keep-alive ,, UPGRADE"),
        good(b"Connection: keep-alive"),
        good(b"Sec-WebSocket-Extensions:"),
        good(b"Content-Length: 5"),
        good(b"X-Folded: a", b" b"),
        good(b"Sec-WebSocket-Protocol: chat"),
        b"HTTP/1.1 100 Continue\r\n\r\n" * MAX_INTERIM_RESPONSES + good(),
        good(b"X: " + b"x" * (MAX_HEAD_BYTES - len(good(b"X: ")))),
    ],
)
def test_good_response(wire: bytes) -> None:
    for chunks in ([wire + FRAMES], single_bytes(wire + FRAMES)):
        opening = fed(chunks)
        assert opening.result().status == 101
        assert opening.trailing_data == FRAMES


def test_response_shows_no_headers() -> None:
    opening = fed([good(b"Set-Cookie: hunter2")])
    assert repr(opening.result()) == "<Response 101 'Switching Protocols'>"
    assert isinstance(opening.result(), Response)


def without(line: bytes) -> bytes:
    return good().replace(line + b"\r\n", b"")


def changed(old: bytes, new: bytes) -> bytes:
    return good().replace(old, new)


def switch(wire: bytes, text: str) -> Bad:
    return Bad(wire, text, 101, "Switching Protocols")


S41 = "(RFC 6455 section 4.1)"
S422 = "(RFC 6455 section 4.2.2)"
ACCEPT_EXPECTED = f"{ACCEPT.decode()!r} was expected {S41}"

SWITCHES = [
    switch(
        changed(b"1.1 101", b"1.0 101"),
        "server answered in HTTP/1.0, HTTP/1.1 is required " + S422,
    ),
    switch(
        changed(b"1.1 101", b"2.0 101"),
        "server answered in HTTP/2.0, HTTP/1.1 is required " + S422,
    ),
    switch(
        without(b"Upgrade: websocket"), f"header Upgrade is missing, 'websocket' was expected {S41}"
    ),
    switch(
        changed(b": websocket", b": "), f"header Upgrade is missing, 'websocket' was expected {S41}"
    ),
    switch(
        changed(b": websocket", b": h2c"),
        f"header Upgrade is 'h2c', 'websocket' was expected {S41}",
    ),
    switch(
        changed(b": websocket", b": websocket/13"),
        f"header Upgrade is 'websocket/13', 'websocket' was expected {S41}",
    ),
    switch(
        good(b"Upgrade: h2c"), f"header Upgrade is 'websocket, h2c', 'websocket' was expected {S41}"
    ),
    switch(
        without(b"Connection: Upgrade"),
        f"header Connection is missing, 'Upgrade' was expected {S41}",
    ),
    switch(
        changed(b": Upgrade", b": close"),
        f"header Connection is 'close', 'Upgrade' was expected {S41}",
    ),
    switch(
        changed(b": Upgrade", b": not-upgrade"),
        f"header Connection is 'not-upgrade', 'Upgrade' was expected {S41}",
    ),
    switch(
        without(b"Sec-WebSocket-Accept: " + ACCEPT),
        f"header Sec-WebSocket-Accept is missing, {ACCEPT_EXPECTED}",
    ),
    switch(changed(ACCEPT, b""), f"header Sec-WebSocket-Accept is '', {ACCEPT_EXPECTED}"),
    switch(changed(ACCEPT, b"x\xfc"), f"header Sec-WebSocket-Accept is 'xü', {ACCEPT_EXPECTED}"),
    switch(
        changed(ACCEPT, ACCEPT.lower()),
        f"header Sec-WebSocket-Accept is {ACCEPT.decode().lower()!r}, {ACCEPT_EXPECTED}",
    ),
    switch(
        changed(ACCEPT, b"x" * 999),
        f"header Sec-WebSocket-Accept is '{'x' * 80}', {ACCEPT_EXPECTED}",
    ),
    switch(
        good(b"Sec-WebSocket-Accept: " + ACCEPT[::-1]),
        f"header Sec-WebSocket-Accept is there 2 times, {ACCEPT_EXPECTED}",
    ),
    switch(
        good(b"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits=9"),
        f"server chose the extension 'permessage-deflate', none was offered {S41}",
    ),
    switch(
        good(b"Sec-WebSocket-Protocol: other"),
        f"server chose the subprotocol 'other', which was not offered {S41}",
    ),
    switch(
        good(b"Sec-WebSocket-Protocol: CHAT"),
        f"server chose the subprotocol 'CHAT', which was not offered {S41}",
    ),
    switch(
        good(b"Sec-WebSocket-Protocol: chat, superchat"),
        f"server chose the subprotocol 'chat, superchat', which was not offered {S41}",
    ),
    switch(
        good(b"Sec-WebSocket-Protocol: chat", b"Sec-WebSocket-Protocol: chat"),
        "header Sec-WebSocket-Protocol is there 2 times, once is allowed (RFC 6455 section 11.3.4)",
    ),
]


@SPLITS
@pytest.mark.parametrize("bad", SWITCHES)
def test_bad_switch(bad: Bad, split: Split) -> None:
    opening = check(bad, split)
    assert len(refusal(opening).headers) >= 2
    assert opening.receive_data(b"more") is True
    opening.receive_eof()
    assert str(refusal(opening)) == bad.text
    assert opening.trailing_data == b""


def test_subprotocol_when_none_was_offered() -> None:
    opening = fed([good(b"Sec-WebSocket-Protocol: chat")], handshake())
    assert str(refusal(opening)) == (
        "server chose the subprotocol 'chat', none was offered (RFC 6455 section 4.1)"
    )


def verdict(chunks: list[bytes], eof: bool) -> tuple[object, ...]:
    opening = fed(chunks)
    if eof:
        opening.receive_eof()
    try:
        response = opening.result()
    except HandshakeError as error:
        return error.status, error.reason, list(error.headers.items()), error.body
    return response, opening.subprotocol, opening.trailing_data


PIECES = st.sampled_from(
    [
        b"HTTP/1.1 101 OK\r\n",
        b"HTTP/1.1 403 No\r\n",
        b"HTTP/1.0 200\r\n",
        b"HTTP/1.1 100 Go\r\n\r\n",
        b"HTTP/1.1 ",
        GOOD,
        b"Transfer-Encoding: chunked\r\n",
        b"Content-Length: 3\r\n",
        b"Set-Cookie: a\r\n",
        b"Set-Cookie: a\x00\r\n",
        b" \t",
        b"\r\n",
        b"\n",
        b"3\r\nabc\r\n",
        b"0\r\n\r\n",
        b"ffffffffffffffffffff\r\n",
    ]
)


@given(st.binary(), st.booleans())
def test_random_bytes(data: bytes, eof: bool) -> None:
    status, *_ = verdict([data], eof)
    assert status is None


@given(st.lists(PIECES | st.binary(max_size=3), max_size=12), st.data(), st.booleans())
def test_chunking_never_changes_the_verdict(
    pieces: list[bytes], data: st.DataObject, eof: bool
) -> None:
    wire = b"".join(pieces)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(wire)), max_size=8)))
    chunks = [wire[a:b] for a, b in zip([0, *cuts], [*cuts, len(wire)], strict=True)]
    assert verdict(chunks, eof) == verdict([wire], eof) == verdict(single_bytes(wire), eof)


@given(
    st.sampled_from([b"HTTP/1.1 101 OK\r\n", b"HTTP/1.1 403 No\r\n", b"HTTP/1.1 042 No\r\n"]),
    st.lists(
        st.sampled_from(
            [
                b"Set-Cookie: hunter2\r\n",
                b"Set-Cookie: hunter2\x00\r\n",
                b"Authorization : hunter2\r\n",
                b"Content-Length: hunter2\r\n",
                b"Transfer-Encoding: hunter2\n",
                b"hunter2\r\n",
                b" hunter2\r\n",
            ]
        )
    ),
    st.sampled_from([b"\r\n", b"\r\nhunter2", b""]),
)
def test_no_error_quotes_a_header(start: bytes, lines: list[bytes], end: bytes) -> None:
    opening = fed([start, *lines, end])
    assert HIDDEN not in str(refusal(opening))
    opening.receive_eof()
    assert HIDDEN not in str(refusal(opening))
