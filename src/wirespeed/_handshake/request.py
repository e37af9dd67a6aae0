"""The request of the opening handshake: its fields are checked, then written (RFC 6455 4.1).

Does no I/O. No error text quotes a header value or a subprotocol: both may be secrets.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from multidict import CIMultiDict

from .._base.version import __version__
from .permessage_deflate import CompressionLike
from .subprotocol import ProtocolHandler
from .url import URL

if TYPE_CHECKING:
    from http.cookies import SimpleCookie

HeadersLike: TypeAlias = Mapping[str, str] | Iterable[tuple[str, str]]
CookiesLike: TypeAlias = "Mapping[str, str] | SimpleCookie"

DEFAULT_USER_AGENT: Final = f"wirespeed/{__version__}"

_TOKEN: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]*")
_FORBIDDEN_IN_VALUE: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_NOT_LATIN_1: Final = re.compile(r"[^\x00-\xff]")
_CONTROL_CHARACTER: Final = re.compile(r"[\x00-\x1f\x7f]")
_SURROGATE: Final = re.compile(r"[\ud800-\udfff]")
# No blank, comma, semicolon or backslash; quotes only around the whole value (RFC 6265 section
# 4.1.1).
_COOKIE_VALUE: Final = re.compile(r'("?)[!#-+\--:<-\[\]-~]*\1')

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


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Ask:
    """The caller's options for the request, unchecked; reusable for any number of requests.

    Attributes:
        headers: headers to add.
        subprotocols: subprotocols to offer, in order of preference.
        cookies: cookies, sent in one header.
        origin: the value of Origin; `None` for no such header.
        user_agent: the value of User-Agent; `None` for no such header.
        auth: user name and password; `None` for those of the URL.
        protocol_handler: a handler whose subprotocol is offered too; `None` for none.
        compression: the compression to offer; `None` for none.
        takes_any_subprotocol: whether a subprotocol that was not offered is taken for none.
    """

    headers: HeadersLike | None = None
    subprotocols: Sequence[str] | None = None
    cookies: CookiesLike | None = None
    origin: str | None = None
    user_agent: str | None = DEFAULT_USER_AGENT
    auth: tuple[str, str] | None = None
    protocol_handler: ProtocolHandler | None = None
    compression: CompressionLike = None
    takes_any_subprotocol: bool = False

    def __post_init__(self) -> None:
        # An iterator would be empty for a second request.
        if isinstance(self.headers, Iterator):
            object.__setattr__(self, "headers", tuple(self.headers))


NOTHING_SPECIAL: Final = Ask()


def check_subprotocols(subprotocols: Sequence[str] | None) -> tuple[str, ...]:
    """Return the subprotocols to offer, in order of preference (RFC 6455 section 4.1).

    Raises:
        TypeError: `subprotocols` is not a sequence of `str`.
        ValueError: a subprotocol is not a token, or is there twice.
    """
    if subprotocols is None:
        return ()
    if not isinstance(subprotocols, Sequence) or isinstance(subprotocols, str | bytes | bytearray):
        raise TypeError(
            f"subprotocols must be a sequence of str, not {type(subprotocols).__name__}"
        )
    # Errors name the position: some services take an access token as a subprotocol.
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
        TypeError: `headers` is not a mapping of `str`, nor an iterable of pairs of `str`.
        ValueError: a header cannot be sent, or belongs to the opening handshake.
    """
    checked: CIMultiDict[str] = CIMultiDict()
    if headers is None:
        return checked
    pairs = headers.items() if isinstance(headers, Mapping) else _pairs(headers)
    for name, value in pairs:
        _check_header_name(name)
        _check_header_value(name, value)
        checked.add(name, value.strip(" \t"))
    if len(checked.getall("Host", ())) > 1:
        raise ValueError("header 'Host' is there more than once (RFC 9112 section 3.2)")
    return checked


def _pairs(headers: Iterable[tuple[str, str]]) -> Iterable[tuple[str, str]]:
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
        # Quote the valid start only: users have passed "Authorization: Bearer ..." as a name.
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


def check_cookies(cookies: CookiesLike | None) -> str:
    """Return the value of the Cookie header, empty without cookies (RFC 6265 section 4.2.1).

    Raises:
        TypeError: `cookies` is not a mapping of `str`, nor a `SimpleCookie`.
        ValueError: a cookie cannot be sent.
    """
    if cookies is None:
        return ""
    if not isinstance(cookies, Mapping):
        raise TypeError(f"cookies must be a mapping, not {type(cookies).__name__}")
    pairs = []
    for name, value in cookies.items():
        if not isinstance(name, str):
            raise TypeError(f"cookie name must be a str, not {type(name).__name__}")
        if not name or not _TOKEN.fullmatch(name):
            raise ValueError("cookie name is not a token (RFC 6265 section 4.1.1)")
        # A `SimpleCookie` has `Morsel` objects, which keep the encoded value.
        text = value if isinstance(value, str) else getattr(value, "coded_value", None)
        if not isinstance(text, str):
            raise TypeError(f"value of cookie {name!r} must be a str, not {type(value).__name__}")
        if not _COOKIE_VALUE.fullmatch(text):
            raise ValueError(
                f"value of cookie {name!r} contains a character that must be encoded: printable"
                " ASCII without blanks, quotes, commas, semicolons and backslashes is allowed"
                " (RFC 6265 section 4.1.1)"
            )
        pairs.append(f"{name}={text}")
    return "; ".join(pairs)


def check_auth(auth: tuple[str, str] | None) -> tuple[str, str] | None:
    """Return user name and password for basic authentication (RFC 7617 section 2).

    Raises:
        TypeError: `auth` is not a pair of `str`.
        ValueError: user name or password cannot be sent.
    """
    if auth is None:
        return None
    if not isinstance(auth, tuple) or len(auth) != len(("user", "password")):
        raise TypeError(f"auth must be a pair (user, password), not {_kind(auth)}")
    for part, text in zip(("user", "password"), auth, strict=True):
        if not isinstance(text, str):
            raise TypeError(f"{part} in auth must be a str, not {type(text).__name__}")
        if _CONTROL_CHARACTER.search(text):
            raise ValueError(f"{part} in auth contains a control character (RFC 7617 section 2)")
        if _SURROGATE.search(text):
            raise ValueError(f"{part} in auth contains a lone surrogate (RFC 3629 section 3)")
    if ":" in auth[0]:
        raise ValueError("user in auth contains a colon (RFC 7617 section 2)")
    return auth


def _kind(value: object) -> str:
    size = f" of {len(value)}" if isinstance(value, tuple) else ""
    return f"{type(value).__name__}{size}"


def basic_credentials(userinfo: tuple[str, str]) -> str:
    """Return the value of the Authorization header (RFC 7617 section 2)."""
    return f"Basic {base64.b64encode(':'.join(userinfo).encode()).decode('ascii')}"


def request_head(
    url: URL, ask: Ask, subprotocols: tuple[str, ...], key: str, extensions: str = ""
) -> bytes:
    """Return the bytes of the request: the handshake's own headers, then the user's.

    Args:
        url: the URL to open.
        ask: the caller's options.
        subprotocols: the result of `check_subprotocols`.
        key: the value of Sec-WebSocket-Key.
        extensions: the value of Sec-WebSocket-Extensions; empty for no such header.

    Raises:
        TypeError: a part of `ask` has the wrong type.
        ValueError: a part of `ask` cannot be sent, or is given twice.
    """
    headers = check_headers(ask.headers)
    host = headers.popone("Host", url.host_header) if headers else url.host_header
    lines = [
        f"GET {url.target} HTTP/1.1\r\nHost: {host}",
        f"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: {key}",
        "Sec-WebSocket-Version: 13",
    ]
    if extensions:
        lines.append(f"Sec-WebSocket-Extensions: {extensions}")
    if subprotocols:
        lines.append(f"Sec-WebSocket-Protocol: {', '.join(subprotocols)}")
    lines += [f"{name}: {value}" for name, value in _asked_by_parameter(url, ask, headers)]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    lines.append("\r\n")
    return "\r\n".join(lines).encode("latin-1")


def _asked_by_parameter(url: URL, ask: Ask, headers: CIMultiDict[str]) -> Iterator[tuple[str, str]]:
    """Yield the headers that a parameter of `connect` or the URL sets.

    A header of the user replaces a default and that of the URL. One that is given both as a
    parameter and as a header is an error.
    """
    if ask.user_agent != DEFAULT_USER_AGENT:
        if ask.user_agent is not None:
            yield "User-Agent", _only(headers, "User-Agent", "user_agent", ask.user_agent)
    elif "User-Agent" not in headers:
        yield "User-Agent", DEFAULT_USER_AGENT
    auth = check_auth(ask.auth)
    if auth is not None:
        yield "Authorization", _only(headers, "Authorization", "auth", basic_credentials(auth))
    elif url.userinfo is not None and "Authorization" not in headers:
        yield "Authorization", basic_credentials(url.userinfo)
    if ask.origin is not None:
        yield "Origin", _only(headers, "Origin", "origin", ask.origin)
    cookies = check_cookies(ask.cookies)
    if cookies:
        yield "Cookie", _only(headers, "Cookie", "cookies", cookies)


def _only(headers: CIMultiDict[str], name: str, parameter: str, value: str) -> str:
    """Return the checked value of a header; refuse it if the user's headers have it too."""
    if not isinstance(value, str):
        raise TypeError(f"{parameter} must be a str or None, not {type(value).__name__}")
    _check_header_value(name, value)
    if name in headers:
        raise ValueError(
            f"header {name!r} and parameter {parameter} were both given, one is enough"
        )
    return value.strip(" \t")
