"""The request of the opening handshake, byte for byte, and arguments that cannot be sent."""

from __future__ import annotations

import base64

import pytest
from multidict import CIMultiDict
from openings import HIDDEN, handshake

from wirespeed._base.version import __version__
from wirespeed._handshake.opening_handshake import OpeningHandshake
from wirespeed._handshake.request import HeadersLike
from wirespeed._handshake.url import parse_url


def test_request() -> None:
    assert handshake().request() == (
        b"GET /chat HTTP/1.1\r\n"
        b"Host: server.example.com\r\n"
        b"Upgrade: websocket\r\n"
        b"Connection: Upgrade\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        b"Sec-WebSocket-Version: 13\r\n"
        b"User-Agent: wirespeed/" + __version__.encode() + b"\r\n"
        b"\r\n"
    )


def test_request_with_everything() -> None:
    opening = handshake(
        "wss://us%20er:p%C3%A4ss@[::1]:8443/a b?c=ü",
        headers=[
            ("Origin", "https://example.com"),
            ("cookie", "a=1"),
            ("host", "other.example"),
            ("Cookie", "  b=2\t"),
            ("X-Latin", " \xa0\xfc\x85 "),
            ("X-Empty", ""),
        ],
        subprotocols=["chat", "super.chat"],
    )
    assert opening.request() == (
        b"GET /a%20b?c=%C3%BC HTTP/1.1\r\n"
        b"Host: other.example\r\n"
        b"Upgrade: websocket\r\n"
        b"Connection: Upgrade\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        b"Sec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Protocol: chat, super.chat\r\n"
        b"User-Agent: wirespeed/" + __version__.encode() + b"\r\n"
        b"Authorization: Basic " + base64.b64encode("us er:päss".encode()) + b"\r\n"
        b"Origin: https://example.com\r\n"
        b"cookie: a=1\r\n"
        b"Cookie: b=2\r\n"
        b"X-Latin: \xa0\xfc\x85\r\n"
        b"X-Empty: \r\n"
        b"\r\n"
    )
    assert opening.request() == opening.request()


def test_user_agent_and_authorization_can_be_replaced() -> None:
    request = handshake(
        "ws://u:p@a", headers={"user-agent": "mine", "AUTHORIZATION": "Bearer x"}
    ).request()
    assert request.lower().count(b"user-agent") == request.lower().count(b"authorization") == 1
    assert request.endswith(b"user-agent: mine\r\nAUTHORIZATION: Bearer x\r\n\r\n")


@pytest.mark.parametrize(
    "headers",
    [
        {"A": "1", "B": "2"},
        CIMultiDict([("A", "1"), ("B", "2")]),
        [("A", "1"), ("B", "2")],
        (("A", "1"), ("B", "2")),
        iter([("A", "1"), ("B", "2")]),
    ],
)
def test_kinds_of_headers(headers: HeadersLike) -> None:
    assert handshake(headers=headers).request().endswith(b"A: 1\r\nB: 2\r\n\r\n")


def test_multidict_keeps_all_values() -> None:
    headers = CIMultiDict([("A", "1"), ("B", "2"), ("a", "3")])
    assert handshake(headers=headers).request().endswith(b"A: 1\r\nB: 2\r\na: 3\r\n\r\n")


def test_empty_headers_and_subprotocols_add_nothing() -> None:
    assert handshake(headers={}, subprotocols=[]).request() == handshake().request()


def test_key_is_random() -> None:
    url = parse_url("ws://a")
    assert OpeningHandshake(url).request() != OpeningHandshake(url).request()


@pytest.mark.parametrize("size", [0, 15, 17])
def test_key_size(size: int) -> None:
    with pytest.raises(ValueError, match=f"key is {size} bytes, 16 are required"):
        OpeningHandshake(parse_url("ws://a"), key=bytes(size))


OWN = "belongs to the opening handshake: "
CONTROL = "contains a control character (RFC 9110 section 5.5)"
LATIN = "contains a character outside latin-1 (RFC 9110 section 5.5)"


@pytest.mark.parametrize(
    ("headers", "error", "text"),
    [
        ("A: 1", TypeError, "headers must be a mapping or an iterable of pairs, not str"),
        (b"A: 1", TypeError, "headers must be a mapping or an iterable of pairs, not bytes"),
        (1, TypeError, "headers must be a mapping or an iterable of pairs, not int"),
        (["ab"], TypeError, "headers must hold pairs of str, not a str"),
        ([("a", "b", "c")], TypeError, "headers must hold pairs of str, not a tuple"),
        ([None], TypeError, "headers must hold pairs of str, not a NoneType"),
        ({1: "a"}, TypeError, "header name must be a str, not int"),
        ({b"a": "a"}, TypeError, "header name must be a str, not bytes"),
        ({"A": 1}, TypeError, "value of header 'A' must be a str, not int"),
        ({"A": b"1"}, TypeError, "value of header 'A' must be a str, not bytes"),
        ({"A": ["1"]}, TypeError, "value of header 'A' must be a str, not list"),
        ({"": HIDDEN}, ValueError, "header name is not a token, only its start '' is"),
        ({"Ä": HIDDEN}, ValueError, "header name is not a token, only its start '' is"),
        ({"A B": HIDDEN}, ValueError, "header name is not a token, only its start 'A' is"),
        ({"A\n": HIDDEN}, ValueError, "header name is not a token, only its start 'A' is"),
        (
            {f"Authorization: Bearer {HIDDEN}": ""},
            ValueError,
            "header name is not a token, only its start 'Authorization' is",
        ),
        ({"A": f"{HIDDEN}\r\nB: 1"}, ValueError, f"value of header 'A' {CONTROL}"),
        ({"A": f"{HIDDEN}\n"}, ValueError, f"value of header 'A' {CONTROL}"),
        ({"A": f"{HIDDEN}\r"}, ValueError, f"value of header 'A' {CONTROL}"),
        ({"A": f"{HIDDEN}\x00"}, ValueError, f"value of header 'A' {CONTROL}"),
        ({"A": f"{HIDDEN}\x0b"}, ValueError, f"value of header 'A' {CONTROL}"),
        ({"A": f"{HIDDEN}\x7f"}, ValueError, f"value of header 'A' {CONTROL}"),
        ({"A": f"{HIDDEN}€"}, ValueError, f"value of header 'A' {LATIN}"),
        ({"A": f"{HIDDEN}\ud800"}, ValueError, f"value of header 'A' {LATIN}"),
        ({"UPGRADE": HIDDEN}, ValueError, f"header 'UPGRADE' {OWN}it is always websocket"),
        ({"connection": HIDDEN}, ValueError, f"header 'connection' {OWN}it is always Upgrade"),
        ({"Sec-WebSocket-Key": HIDDEN}, ValueError, f"{OWN}it is drawn anew for each handshake"),
        ({"Sec-WebSocket-Version": "8"}, ValueError, f"{OWN}it is always 13"),
        ({"Sec-WebSocket-Extensions": HIDDEN}, ValueError, f"{OWN}what is offered follows"),
        ({"Sec-WebSocket-Protocol": HIDDEN}, ValueError, f"{OWN}use the parameter subprotocols"),
        ({"Content-Length": "0"}, ValueError, f"{OWN}the request has no body"),
        ({"Transfer-Encoding": "chunked"}, ValueError, f"{OWN}the request has no body"),
        (
            [("Host", HIDDEN), ("host", "b")],
            ValueError,
            "header 'Host' is there more than once (RFC 9112 section 3.2)",
        ),
    ],
)
def test_bad_headers(headers: HeadersLike, error: type[Exception], text: str) -> None:
    with pytest.raises(error) as caught:
        handshake(headers=headers)
    assert text in str(caught.value)
    assert HIDDEN not in str(caught.value)
    assert caught.value.__context__ is None


@pytest.mark.parametrize(
    ("subprotocols", "error", "text"),
    [
        ("chat", TypeError, "subprotocols must be a sequence of str, not str"),
        (b"chat", TypeError, "subprotocols must be a sequence of str, not bytes"),
        ({"chat"}, TypeError, "subprotocols must be a sequence of str, not set"),
        (1, TypeError, "subprotocols must be a sequence of str, not int"),
        ([b"chat"], TypeError, "subprotocols[0] must be a str, not bytes"),
        (["chat", None], TypeError, "subprotocols[1] must be a str, not NoneType"),
        ([""], ValueError, "subprotocols[0] is not a token (RFC 6455 section 4.1)"),
        (["a", "b c"], ValueError, "subprotocols[1] is not a token (RFC 6455 section 4.1)"),
        (["a,b"], ValueError, "subprotocols[0] is not a token (RFC 6455 section 4.1)"),
        (["a\r\n"], ValueError, "subprotocols[0] is not a token (RFC 6455 section 4.1)"),
        (["ü"], ValueError, "subprotocols[0] is not a token (RFC 6455 section 4.1)"),
        (["a", "b", "a"], ValueError, "subprotocols[2] is there twice (RFC 6455 section 4.1)"),
    ],
)
def test_bad_subprotocols(subprotocols: object, error: type[Exception], text: str) -> None:
    with pytest.raises(error) as caught:
        handshake(subprotocols=subprotocols)
    assert str(caught.value) == text
