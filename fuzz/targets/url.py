"""URLs, references to resolve, and proxies: an error of the right type, or parts that fit."""

from __future__ import annotations

import contextlib
from urllib.parse import urlsplit

from fuzz.source import Source
from wirespeed._handshake.url import URL, parse_url, resolve
from wirespeed._network.proxy_url import choose_proxy
from wirespeed.exceptions import InvalidURL

_BASES = tuple(map(parse_url, ("ws://localhost/a/b?c", "wss://u:p@[::1]:1/", "wss://x//y")))
_TARGET = parse_url("wss://localhost/")


def one_input(data: bytes) -> None:
    """Parse a text as a URL, as a reference, or as a proxy."""
    source = Source(data)
    way, base = source.below(3), source.one_of(_BASES)
    with contextlib.suppress(InvalidURL, UnicodeDecodeError):
        text = source.rest().decode("utf-8", "surrogatepass")
        if way == 0:
            _check(parse_url(text))
        elif way == 1:
            _check(resolve(base, text))
        else:
            with contextlib.suppress(ValueError):
                choose_proxy(text, _TARGET)


def _check(url: URL) -> None:
    assert url.host
    assert url.host.isascii()
    # The zone of an address is the name of an interface, with large and small letters.
    assert url.host_at_proxy == url.host_at_proxy.lower()
    assert 1 <= url.port <= 65535
    assert url.target.startswith("/")
    assert all("!" <= letter <= "~" for letter in url.target), url.target
    assert "#" not in url.target
    split = urlsplit(url.public)
    assert split.hostname == url.host_at_proxy
    assert (split.port or (443 if url.secure else 80)) == url.port
    again = parse_url(url.public)
    assert (again.secure, again.port, again.target) == (url.secure, url.port, url.target)
    assert again.host == url.host_at_proxy
    if url.userinfo is not None:
        shown = str(URL(url.secure, "h", 1, "/", url.userinfo))
        assert shown.endswith(":***@h:1/")
