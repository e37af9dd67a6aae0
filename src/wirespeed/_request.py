"""The fields of the opening handshake's request, checked before anything is sent (RFC 6455 4.1).

Knows nothing of responses or sockets. No error text quotes a header value or a subprotocol: both
may be secrets.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from multidict import CIMultiDict

from ._url import URL
from ._version import __version__

HeadersLike: TypeAlias = Mapping[str, str] | Iterable[tuple[str, str]]

_TOKEN: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]*")
_FORBIDDEN_IN_VALUE: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_NOT_LATIN_1: Final = re.compile(r"[^\x00-\xff]")

_OWN_HEADERS: Final = {
    "upgrade": "it is always websocket",
    "connection": "it is always Upgrade",
    "sec-websocket-key": "it is drawn anew for each handshake",
    "sec-websocket-version": "it is always 13",
    "sec-websocket-extensions": "what is offered follows from the other parameters",
    "sec-websocket-protocol": "use the parameter subprotocols",
    "content-length": "the request has no body",
    "transfer-encoding": "the request has no body",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """What the caller wants the request to say, unchecked.

    Attributes:
        headers: to add.
        subprotocols: to offer, in order of preference.
    """

    headers: HeadersLike | None = None
    subprotocols: Sequence[str] | None = None


NOTHING_SPECIAL: Final = Ask()


def check_subprotocols(subprotocols: Sequence[str] | None) -> tuple[str, ...]:
    """Return what to offer, in order of preference (RFC 6455 section 4.1).

    Raises:
        TypeError: not a sequence of `str`.
        ValueError: one is not a token, or is there twice.
    """
    if subprotocols is None:
        return ()
    if not isinstance(subprotocols, Sequence) or isinstance(subprotocols, str | bytes | bytearray):
        raise TypeError(
            f"subprotocols must be a sequence of str, not {type(subprotocols).__name__}"
        )
    # By position: some services take an access token as a subprotocol.
    for index, name in enumerate(subprotocols):
        if not isinstance(name, str):
            raise TypeError(f"subprotocols[{index}] must be a str, not {type(name).__name__}")
        if not name or not _TOKEN.fullmatch(name):
            raise ValueError(f"subprotocols[{index}] is not a token (RFC 6455 section 4.1)")
        if name in subprotocols[:index]:
            raise ValueError(f"subprotocols[{index}] is there twice (RFC 6455 section 4.1)")
    return tuple(subprotocols)


def check_headers(headers: HeadersLike | None) -> CIMultiDict[str]:
    """Return the user's headers, in order and without white space around the values.

    Raises:
        TypeError: not a mapping or pairs of `str`.
        ValueError: a header cannot be sent, or is not the user's to set.
    """
    checked: CIMultiDict[str] = CIMultiDict()
    pairs = headers.items() if isinstance(headers, Mapping) else _pairs(headers)
    for name, value in pairs:
        _check_header_name(name)
        _check_header_value(name, value)
        checked.add(name, value.strip(" \t"))
    if len(checked.getall("Host", ())) > 1:
        raise ValueError("header 'Host' is there more than once (RFC 9112 section 3.2)")
    return checked


def _pairs(headers: Iterable[tuple[str, str]] | None) -> Iterable[tuple[str, str]]:
    if headers is None:
        return
    if isinstance(headers, str | bytes | bytearray) or not isinstance(headers, Iterable):
        raise TypeError(
            f"headers must be a mapping or an iterable of pairs, not {type(headers).__name__}"
        )
    for pair in headers:
        match pair:
            case (name, value):
                yield name, value
            case _:
                raise TypeError(f"headers must hold pairs of str, not a {type(pair).__name__}")


def _check_header_name(name: object) -> None:
    if not isinstance(name, str):
        raise TypeError(f"header name must be a str, not {type(name).__name__}")
    match = _TOKEN.match(name)
    token = match[0] if match else ""
    if not name or token != name:
        # Only the good part: "Authorization: Bearer ..." has been passed as a name.
        raise ValueError(
            f"header name is not a token, only its start {token!r} is (RFC 9110 section 5.1)"
        )
    advice = _OWN_HEADERS.get(name.lower())
    if advice is not None:
        raise ValueError(f"header {name!r} belongs to the opening handshake: {advice}")


def _check_header_value(name: str, value: object) -> None:
    if not isinstance(value, str):
        raise TypeError(f"value of header {name!r} must be a str, not {type(value).__name__}")
    if _FORBIDDEN_IN_VALUE.search(value):
        raise ValueError(
            f"value of header {name!r} contains a control character (RFC 9110 section 5.5)"
        )
    if _NOT_LATIN_1.search(value):
        raise ValueError(
            f"value of header {name!r} contains a character outside latin-1 (RFC 9110 section 5.5)"
        )


def request_fields(
    url: URL, headers: CIMultiDict[str], subprotocols: tuple[str, ...], key: bytes
) -> list[tuple[bytes, bytes]]:
    """Put the handshake's own headers in front of the user's, who may replace three of them.

    Args:
        url: where to; gives Host, and Authorization if it has user name and password.
        headers: what `check_headers` returned.
        subprotocols: what `check_subprotocols` returned.
        key: the value of Sec-WebSocket-Key.
    """
    own = CIMultiDict(
        {
            "Host": headers.popone("Host", url.host_header),
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Key": key.decode("ascii"),
            "Sec-WebSocket-Version": "13",
        }
    )
    if subprotocols:
        own["Sec-WebSocket-Protocol"] = ", ".join(subprotocols)
    if "User-Agent" not in headers:
        own["User-Agent"] = f"wirespeed/{__version__}"
    if url.userinfo is not None and "Authorization" not in headers:
        credentials = base64.b64encode(":".join(url.userinfo).encode())
        own["Authorization"] = f"Basic {credentials.decode('ascii')}"
    own.extend(headers)
    return [(name.encode("ascii"), value.encode("latin-1")) for name, value in own.items()]


def request_head(target: str, fields: list[tuple[bytes, bytes]]) -> bytes:
    """Write the head of the request down; all of it has been checked (RFC 9112 section 3)."""
    lines = [b"GET %b HTTP/1.1" % target.encode("ascii")]
    lines += [b"%b: %b" % field for field in fields]
    return b"\r\n".join((*lines, b"\r\n"))
