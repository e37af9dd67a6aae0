"""CONNECT without sockets: the request, and the result of every answer in any pieces."""

from __future__ import annotations

import pytest
from openings import SPLITS, Split

import wirespeed
from wirespeed import ProxyError
from wirespeed._handshake.url import parse_url
from wirespeed._network.http_connect import Tunnel
from wirespeed._network.proxy_url import Proxy

OPEN = Proxy("http", "proxy", 3128)


def tunnel(url: str = "wss://feed.example/ticks", proxy: Proxy = OPEN) -> Tunnel:
    return Tunnel(proxy, parse_url(url))


def fed(wire: bytes, split: Split, *, eof: bool = False) -> Tunnel:
    asked = tunnel()
    for piece in split(wire):
        asked.receive_data(piece)
    if eof:
        assert asked.receive_data(b"")
    return asked


def verdict(asked: Tunnel) -> ProxyError:
    with pytest.raises(ProxyError) as caught:
        asked.check()
    return caught.value


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("wss://user:secret@feed.example/ticks?key=secret", "feed.example:443"),
        ("ws://feed.example", "feed.example:80"),
        ("ws://[::1]:8000", "[::1]:8000"),
        ("ws://[fe80::1%25eth0]", "[fe80::1]:80"),
    ],
)
def test_the_request(url: str, target: str) -> None:
    agent = f"wirespeed/{wirespeed.__version__}"
    head = f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\nUser-Agent: {agent}\r\n"
    assert tunnel(url).request().decode() == head + "\r\n"
    # This is the example of RFC 7617 section 2.
    known = Proxy("http", "proxy", 3128, ("Aladdin", "open sesame"))
    authorization = "Proxy-Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n\r\n"
    assert tunnel(url, known).request().decode() == head + authorization


@SPLITS
@pytest.mark.parametrize(
    "wire",
    [
        b"HTTP/1.1 200 Connection established\r\n\r\n",
        b"HTTP/1.0 200 OK\r\n\r\n",
        b"HTTP/1.1 200\r\n\r\n",
        b"HTTP/1.1 204 No Content\r\n\r\n",
        b"HTTP/1.1 200 OK\n\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: Chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
    ],
)
def test_open(wire: bytes, split: Split) -> None:
    asked = tunnel()
    assert [asked.receive_data(piece) for piece in split(wire)][-1]
    asked.check()
    assert not asked.refused()


@SPLITS
@pytest.mark.parametrize(
    "wire",
    [
        b"HTTP/1.1 200 OK\r\n\r\n!",
        b"HTTP/1.1 200 OK\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n!",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n!",
    ],
)
def test_more_than_an_answer(wire: bytes, split: Split) -> None:
    error = verdict(fed(wire, split))
    assert "sent data behind its response" in str(error)


def test_an_empty_body_that_has_begun_is_read_to_its_end() -> None:
    asked = tunnel()
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert not asked.receive_data(head + b"0\r")
    assert not asked.refused()
    assert not asked.receive_data(b"\n")
    assert asked.receive_data(b"\r\n")
    asked.check()


def test_an_empty_body_may_come_later() -> None:
    asked = tunnel()
    assert asked.receive_data(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    assert asked.may_go_on()
    assert not asked.receive_data(b"0\r\n")
    assert asked.receive_data(b"\r\n")
    assert not asked.may_go_on()
    asked.check()


@SPLITS
def test_a_refusal(split: Split) -> None:
    asked = fed(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\nX-Why: a\r\n\r\nno", split)
    error = verdict(asked)
    assert str(error) == "proxy refused to connect to the server: 403 Forbidden"
    assert (error.status, error.reason, error.body) == (403, "Forbidden", b"no")
    assert error.headers["x-why"] == "a"


@SPLITS
@pytest.mark.parametrize("eof", [False, True])
def test_a_refusal_that_is_not_over(split: Split, eof: bool) -> None:
    asked = fed(b"HTTP/1.1 502 \x1b[31m\r\nContent-Length: 9\r\n\r\nno", split, eof=eof)
    assert asked.refused() != eof
    error = verdict(asked)
    assert str(error) == r"proxy refused to connect to the server: 502 '\x1b[31m'"
    assert error.body == b"no"


@SPLITS
def test_a_body_until_the_end(split: Split) -> None:
    error = verdict(fed(b"HTTP/1.0 503 Busy\r\n\r\nlater", split, eof=True))
    assert (error.status, error.body) == (503, b"later")


def test_a_large_body_is_cut_off() -> None:
    asked = tunnel()
    asked.receive_data(b"HTTP/1.1 503 Busy\r\n\r\n")
    assert [asked.receive_data(bytes(30_000)) for _ in range(4)] == [False, False, False, True]
    assert len(verdict(asked).body) == 65536


def test_nothing_yet() -> None:
    assert "no response" in str(verdict(tunnel()))


def test_what_comes_too_late_changes_nothing() -> None:
    asked = tunnel()
    assert asked.receive_data(b"HTTP/1.1 200 OK\r\n\r\n")
    assert asked.receive_data(b"")
    asked.check()
    assert asked.receive_data(b"early")
    assert "sent data behind its response" in str(verdict(asked))
