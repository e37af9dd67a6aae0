"""A proxy's answer to CONNECT: whole and in pieces, and against h11 for what it agrees to."""

from __future__ import annotations

from typing import Any

import h11

from fuzz.source import Source
from wirespeed._handshake.url import parse_url
from wirespeed._network.http_connect import Tunnel
from wirespeed._network.proxy_url import choose_proxy
from wirespeed.exceptions import ProxyError

_URL = parse_url("wss://localhost/")
_MOST_PIECES = 32
_PROXY = choose_proxy("http://user:secret@127.0.0.1:1", _URL)


def one_input(data: bytes) -> None:
    """Read an answer in two ways, which must come to the same result."""
    source = Source(data)
    size = 1 + source.byte()
    head = source.rest()
    whole = _outcome([head] if head else [])
    size = max(size, len(head) // _MOST_PIECES)
    pieces = [head[at : at + size] for at in range(0, len(head), size)]
    cut = _outcome(pieces)
    assert whole == cut, (whole, cut)
    if whole is None:
        assert 200 <= _status(head) < 300


def _outcome(pieces: list[bytes]) -> dict[str, Any] | None:
    assert _PROXY is not None
    tunnel = Tunnel(_PROXY, _URL)
    for piece in pieces:
        tunnel.receive_data(piece)
    tunnel.receive_data(b"")
    try:
        tunnel.check()
    except ProxyError as fault:
        assert "secret" not in str(fault)
        return {
            "fault": str(fault),
            "status": fault.status,
            "reason": fault.reason,
            "headers": list(fault.headers.items()),
            "body": fault.body,
        }
    return None


def _status(head: bytes) -> int:
    """Return the status of the final response, as h11 reads it."""
    connection = h11.Connection(h11.CLIENT)
    connection.send(h11.Request(method="CONNECT", target="localhost:443", headers=[("Host", "h")]))
    connection.send(h11.EndOfMessage())
    connection.receive_data(head)
    while True:
        event = connection.next_event()
        assert isinstance(event, h11.InformationalResponse | h11.Response), event
        if isinstance(event, h11.Response):
            return event.status_code
