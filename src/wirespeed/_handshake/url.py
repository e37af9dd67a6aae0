"""Parses and checks WebSocket URLs (RFC 6455 section 3).

Does no I/O. No error text quotes user name, password, host or port: a password with an unescaped
"/" is split in the wrong places, and any of these parts may then be a piece of it.
"""

from __future__ import annotations

import functools
import ipaddress
import re
import string
from dataclasses import dataclass
from encodings.idna import nameprep
from typing import Final, Protocol, TypeAlias
from urllib.parse import quote, unquote, urljoin

from ..exceptions import InvalidURL

_SECURE_BY_SCHEME: Final = {"ws": False, "http": False, "wss": True, "https": True}
_MAX_PORT: Final = 65535
_MAX_HOST_CHARACTERS: Final = 253
_MAX_LABEL_CHARACTERS: Final = 63

# Not split with `urllib.parse.urlsplit`: it silently drops tabs, newlines and leading blanks, and
# some of its errors quote the password.
_RELATIVE: Final = re.compile(r"(?![A-Za-z][A-Za-z0-9+.\-]*:)")
_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]*)://")
_REST: Final = re.compile(r"([^/?#]*)([^#]*)(#?)")
_CONTROL_CHARACTER: Final = re.compile(r"[\x00-\x1f\x7f]")
_SURROGATE: Final = re.compile(r"[\ud800-\udfff]")
_HOST_NAME: Final = re.compile(r"[A-Za-z0-9._\-]+")
_DOT: Final = re.compile("[.\u3002\uff0e\uff61]")
# Sharp s, small and capital, final sigma, and the joiners (UTS 46 section 7).
_DEVIATION: Final = re.compile("([\u00df\u1e9e\u03c2\u200c\u200d])")
_ZONE: Final = re.compile(r"%(?:25)?([A-Za-z0-9._~\-]+)")
# Characters that `quote` must leave alone; "%" because the target may be encoded already.
_PRINTABLE_ASCII: Final = string.ascii_letters + string.digits + string.punctuation


class URLObject(Protocol):
    """A URL object of another package, such as `yarl.URL`: `str` of it is the whole URL."""

    @property
    def scheme(self) -> str:
        """The scheme: the part before "://"."""


URLLike: TypeAlias = str | URLObject


# Without slots: `cached_property` needs a `__dict__`. It computes each value once for all
# connections to a URL.
@dataclass(frozen=True, repr=False)
class URL:
    """The parts of a WebSocket URL.

    Attributes:
        secure: whether TLS is used (wss, https).
        host: the host in ASCII and lower case, IDNA-encoded where needed; an IPv6 address without
            brackets, with its zone if it has one.
        port: the port; 80 or 443 if the URL has none.
        target: path and query for the request line; at least "/".
        userinfo: user name and password, percent-decoded; `None` if the URL has none.
    """

    secure: bool
    host: str
    port: int
    target: str
    userinfo: tuple[str, str] | None = None

    @functools.cached_property
    def host_header(self) -> str:
        """The value of the Host header: no default port, no zone (RFC 6874 section 4)."""
        host = f"[{self.host.partition('%')[0]}]" if ":" in self.host else self.host
        return host if self.port == _default_port(self.secure) else f"{host}:{self.port}"

    @functools.cached_property
    def public(self) -> str:
        """The URL without user name and password."""
        return f"{self._scheme}://{self.host_header}{self.target}"

    @property
    def shown(self) -> str:
        """The URL for a log: `public` without the query, which may contain a token."""
        return self.public.partition("?")[0]

    @property
    def origin(self) -> tuple[bool, str, int]:
        """The server that may receive a secret: security, host, port (RFC 6454 section 4)."""
        return self.secure, self.host, self.port

    @property
    def _scheme(self) -> str:
        return "wss" if self.secure else "ws"

    @property
    def host_at_proxy(self) -> str:
        """The host for a request to a proxy: without the zone, which is valid only locally."""
        return self.host.partition("%")[0]

    def __str__(self) -> str:
        """Return the URL, with the password replaced by stars."""
        user = "" if self.userinfo is None else f"{quote(self.userinfo[0], safe='')}:***@"
        return f"{self._scheme}://{user}{self.host_header}{self.target}"

    def __repr__(self) -> str:
        return f"URL('{self}')"


def parse_url(url: URLLike) -> URL:
    """Parse a WebSocket URL.

    Args:
        url: a URL with the scheme ws, wss, http or https, as a `str` or as a URL object.

    Raises:
        TypeError: `url` is neither.
        InvalidURL: the URL cannot be used to open a WebSocket; the text is the reason,
            without user name or password.
    """
    return _parse_once(url if isinstance(url, str) else _text_of(url))


def resolve(base: URL, reference: str) -> URL:
    """Resolve a reference that came from the server of `base` (RFC 3986 section 5).

    The result does not have the user name and password of `base`. The fragment of `reference`
    is dropped.

    Raises:
        InvalidURL: the result cannot be used to open a WebSocket, or contains a user name. The
            text quotes nothing but the scheme.
    """
    # Before `urljoin`, which silently drops tabs and newlines.
    check_characters(reference)
    reference, _, _ = reference.partition("#")
    if not _RELATIVE.match(reference):
        url = _parse(reference)
    elif reference.startswith("//"):
        url = _parse(f"{'wss' if base.secure else 'ws'}:{reference}")
    else:
        # `urljoin` needs a host here, because a target may begin with "//".
        joined = urljoin(f"ws://host{base.target}", reference)
        target = _encode_target(joined.removeprefix("ws://host"))
        url = URL(base.secure, base.host, base.port, target)
    if url.userinfo is not None:
        raise InvalidURL("url from a server contains a user name (RFC 9110 section 4.2.4)")
    return url


def _text_of(url: object) -> str:
    """Return the text of a URL object.

    `str` works for any object. The `str` of a URL object begins with its `scheme`.
    """
    scheme = getattr(url, "scheme", None)
    if isinstance(scheme, str) and (text := str(url)).startswith(scheme):
        return text
    raise TypeError(f"url must be a str or a URL object, not {type(url).__name__}")


def _parse(url: str) -> URL:
    check_characters(url)
    secure, rest = _split_scheme(url)
    match = _REST.match(rest)
    authority, target, fragment = match.groups() if match else ("", "", "")
    if fragment:
        raise InvalidURL(
            "url has a fragment, which is forbidden (RFC 6455 section 3);"
            " a '#' that belongs to path or query is written %23"
        )
    host, port, userinfo = parse_authority(authority, _default_port(secure))
    return URL(
        secure=secure, host=host, port=port, target=_encode_target(target), userinfo=userinfo
    )


def parse_authority(authority: str, default_port: int) -> tuple[str, int, tuple[str, str] | None]:
    """Parse the part between "//" and the path into host, port and user name with password.

    Raises:
        InvalidURL: a part cannot be used.
    """
    userinfo, _, host_and_port = authority.rpartition("@")
    host, port = _split_port(host_and_port)
    return _parse_host(host), _parse_port(port, default_port), _parse_userinfo(userinfo)


# A client connects to the same few URLs again and again, and parsing takes 20 us of an opening.
_parse_once: Final = functools.lru_cache(maxsize=64)(_parse)


def _default_port(secure: bool) -> int:
    return 443 if secure else 80


def check_characters(url: str) -> None:
    """Refuse characters that no URL may contain unescaped.

    Raises:
        InvalidURL: the URL contains such a character.
    """
    if _CONTROL_CHARACTER.search(url):
        raise InvalidURL("url contains a control character (RFC 3986 section 2)")
    if url != url.strip():
        raise InvalidURL("url begins or ends with white space (RFC 3986 section 2)")
    if _SURROGATE.search(url):
        raise InvalidURL("url contains a lone surrogate (RFC 3629 section 3)")
    if "\\" in url:
        raise InvalidURL("url contains a backslash, which is written %5C (RFC 3986 section 2)")


def _split_scheme(url: str) -> tuple[bool, str]:
    match = _SCHEME.match(url)
    if match is None:
        raise InvalidURL(
            "url has no scheme, it must begin with ws://, wss://, http:// or https://"
            " (RFC 6455 section 3)"
        )
    secure = _SECURE_BY_SCHEME.get(match[1].lower())
    if secure is None:
        raise InvalidURL(
            f"url has the scheme {match[1][:32]!r}, ws, wss, http or https is required"
            " (RFC 6455 section 3)"
        )
    return secure, url[match.end() :]


def _split_port(host_and_port: str) -> tuple[str, str]:
    if not host_and_port.startswith("["):
        host, _, port = host_and_port.partition(":")
        return host, port
    address, bracket, port = host_and_port.rpartition("]")
    if not bracket or (port and not port.startswith(":")):
        raise InvalidURL(
            "ipv6 host must be written as [address] or [address]:port (RFC 3986 section 3.2.2)"
        )
    return address + bracket, port[1:]


def _parse_host(host: str) -> str:
    if not host:
        raise InvalidURL("url has no host (RFC 6455 section 3)")
    if host.startswith("["):
        return _parse_ipv6(host[1:-1])
    try:
        # The codec is slow on long names, and the DNS has no longer ones.
        name = _encode_name(host) if len(host) <= _MAX_HOST_CHARACTERS else ""
    except UnicodeError:
        name = ""
    if not name or len(name) > _MAX_HOST_CHARACTERS:
        raise InvalidURL(
            "host is not a valid name: labels of 1 to 63 characters,"
            f" {_MAX_HOST_CHARACTERS} in all, are allowed (RFC 1034 section 3.1, RFC 3490)"
        )
    # After the codec, which maps lookalikes such as U+2100 to "a/c".
    if not _HOST_NAME.fullmatch(name):
        raise InvalidURL(
            "host contains a character that no name can have: letters, digits, '-', '_' and '.'"
            " are allowed (RFC 3986 section 3.2.2)"
        )
    return name.lower()


def _encode_name(host: str) -> str:
    """Encode a name for the DNS, as browsers do (UTS 46, nontransitional).

    The codec follows IDNA 2003: it maps some characters that IDNA 2008 keeps, and the result is
    another name, which may have another owner. Such names are encoded label by label.
    """
    if _DEVIATION.search(host) is None:
        return host.encode("idna").decode("ascii")
    labels = _DOT.split(host)
    if "" in labels[:-1]:
        raise UnicodeError("label empty")
    return ".".join(map(_encode_label, labels))


def _encode_label(label: str) -> str:
    if _DEVIATION.search(label) is None:
        return label.encode("idna").decode("ascii")
    parts = _DEVIATION.split(label.replace("\u1e9e", "\u00df"))
    prepared = "".join(part if _DEVIATION.match(part) else nameprep(part) for part in parts)
    encoded = f"xn--{prepared.encode('punycode').decode('ascii')}"
    if "." in encoded or len(encoded) > _MAX_LABEL_CHARACTERS:
        raise UnicodeError("label is too long, or would be two")
    return encoded


def _parse_ipv6(text: str) -> str:
    address, percent, zone = text.partition("%")
    match = _ZONE.fullmatch(percent + zone)
    if percent and match is None:
        raise InvalidURL("ipv6 host has a malformed zone (RFC 6874 section 2)")
    try:
        ipaddress.IPv6Address(address)
    except ValueError:
        raise InvalidURL(
            "host in brackets is not an ipv6 address (RFC 3986 section 3.2.2)"
        ) from None
    # Not normalized: the form that `ipaddress` prefers depends on the version of Python.
    host = address.lower()
    return f"{host}%{match[1]}" if match else host


def _parse_port(port: str, default_port: int) -> int:
    if not port:
        return default_port
    if not (port.isascii() and port.isdigit()):
        raise InvalidURL("port is not a number (RFC 3986 section 3.2.3)")
    digits = port.lstrip("0")
    # Check the length first: `int` refuses thousands of digits with its own error.
    if not digits or len(digits) > len(str(_MAX_PORT)) or int(digits) > _MAX_PORT:
        raise InvalidURL(f"port is out of range, 1 to {_MAX_PORT} is allowed")
    return int(digits)


def _encode_target(target: str) -> str:
    encoded = quote(target, safe=_PRINTABLE_ASCII)
    return encoded if encoded.startswith("/") else f"/{encoded}"


def _parse_userinfo(userinfo: str) -> tuple[str, str] | None:
    if not userinfo:
        return None
    user, _, password = userinfo.partition(":")
    try:
        user, password = unquote(user, errors="strict"), unquote(password, errors="strict")
    except UnicodeError:
        raise InvalidURL("user name or password is not UTF-8 (RFC 7617 section 2.1)") from None
    if ":" in user:
        raise InvalidURL("user name contains a colon (RFC 7617 section 2)")
    if _CONTROL_CHARACTER.search(user + password):
        raise InvalidURL("user name or password contains a control character (RFC 7617 section 2)")
    return user, password
