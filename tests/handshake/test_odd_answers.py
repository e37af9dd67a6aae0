"""Answers that break a rule and harm nobody: real servers and proxies send them."""

from __future__ import annotations

import pytest
from openings import ACCEPT, GOOD, SPLITS, Split, fed, good, handshake, refusal

NO = b"HTTP/1.1 403 No\r\n"
CHUNKS = b"4\r\n\x1f\x8b\x08\x00\r\n2\r\nab\r\n0\r\n\r\n"

SWITCHES = {
    "an empty subprotocol": good(b"Sec-WebSocket-Protocol:"),
    "two empty subprotocols": good(b"Sec-WebSocket-Protocol:", b"Sec-WebSocket-Protocol: "),
    "a doubled Upgrade": good(b"Upgrade: WebSocket"),
    "a doubled token of Upgrade": GOOD.replace(b": websocket", b": websocket, websocket") + b"\r\n",
    "a doubled Connection": good(b"Connection: upgrade"),
    "a doubled token of Connection": GOOD.replace(b": Upgrade", b": Upgrade, Upgrade") + b"\r\n",
    "a doubled Sec-WebSocket-Accept": good(b"Sec-WebSocket-Accept: " + ACCEPT),
}


@SPLITS
@pytest.mark.parametrize("wire", SWITCHES.values(), ids=SWITCHES)
def test_switching_protocols(wire: bytes, split: Split) -> None:
    opening = fed(split(wire))
    assert opening.result().status == 101
    assert opening.subprotocol is None


def test_an_empty_subprotocol_beside_one() -> None:
    wire = good(b"Sec-WebSocket-Protocol: ", b"Sec-WebSocket-Protocol: chat")
    opening = fed([wire], handshake(subprotocols=["chat"]))
    opening.result()
    assert opening.subprotocol == "chat"


@SPLITS
@pytest.mark.parametrize(
    ("coding", "sent", "body"),
    [
        ("identity", b"plain", b"plain"),
        ("Identity", b"plain", b"plain"),
        ("gzip, chunked", CHUNKS, b"\x1f\x8b\x08\x00ab"),
        ("GZIP ,Chunked", CHUNKS, b"\x1f\x8b\x08\x00ab"),
        ("identity, chunked", CHUNKS, b"\x1f\x8b\x08\x00ab"),
    ],
)
def test_the_body_of_a_refusal(coding: str, sent: bytes, body: bytes, split: Split) -> None:
    head = NO + f"X-Why: a\r\nTransfer-Encoding: {coding}\r\nX-Who: b\r\n\r\n".encode()
    opening = fed(split(head + sent))
    opening.receive_eof()
    error = refusal(opening)
    assert str(error) == "server refused the upgrade: 403 No"
    assert (error.status, error.body) == (403, body)
    assert error.headers["transfer-encoding"] == coding
    assert (error.headers["X-Why"], error.headers["X-Who"]) == ("a", "b")


@SPLITS
def test_a_length_is_kept_beside_identity(split: Split) -> None:
    head = NO + b"Content-Length: 2\r\nTransfer-Encoding: identity\r\n\r\n"
    opening = fed(split(head + b"no, not this"))
    assert refusal(opening).body == b"no"


@pytest.mark.parametrize("coding", [b"gzip", b"chunked, gzip", b"secret, chunked"])
def test_other_codings_are_refused(coding: bytes) -> None:
    opening = fed([NO + b"Transfer-Encoding: " + coding + b"\r\n\r\n"])
    assert "Transfer-Encoding is not chunked" in str(refusal(opening))
