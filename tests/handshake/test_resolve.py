"""References from a server, resolved against the URL of the request.

Uses only `resolve` and the parts it returns.
"""

from __future__ import annotations

from urllib.parse import urljoin

import pytest
from hypothesis import given, strategies as st

from wirespeed._handshake.url import URL, parse_url, resolve
from wirespeed.exceptions import InvalidURL

HIDDEN = "hunter2"
BASE = parse_url(f"ws://user:{HIDDEN}@example.com:81/a/b;p?q")


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("/", "ws://example.com:81/"),
        ("/x/y?z", "ws://example.com:81/x/y?z"),
        ("x", "ws://example.com:81/a/x"),
        ("./x", "ws://example.com:81/a/x"),
        ("../x", "ws://example.com:81/x"),
        ("../../../x", "ws://example.com:81/x"),
        ("x/./y/../z", "ws://example.com:81/a/x/z"),
        ("?r=1", "ws://example.com:81/a/b;p?r=1"),
        (";x", "ws://example.com:81/a/;x"),
        ("", "ws://example.com:81/a/b;p?q"),
        ("#frag", "ws://example.com:81/a/b;p?q"),
        ("/x#frag?no", "ws://example.com:81/x"),
        ("/x#", "ws://example.com:81/x"),
        ("//other", "ws://other/"),
        ("//other:82/x", "ws://other:82/x"),
        ("//[::1]:82/x", "ws://[::1]:82/x"),
        ("wss://other/x#frag", "wss://other/x"),
        ("https://other", "wss://other/"),
        ("http://other:80/x", "ws://other/x"),
        ("WS://Other/X", "ws://other/X"),
        ("/a b?ü", "ws://example.com:81/a%20b?%C3%BC"),
        ("/%2F%zz", "ws://example.com:81/%2F%zz"),
        ("/[x]", "ws://example.com:81/[x]"),
        ("/x:y@z", "ws://example.com:81/x:y@z"),
        ("./x:y", "ws://example.com:81/a/x:y"),
        ("//bücher.example/", "ws://xn--bcher-kva.example/"),
        ("//@other/", "ws://other/"),
    ],
)
def test_good_reference(reference: str, expected: str) -> None:
    url = resolve(BASE, reference)
    assert url.public == expected
    assert url == parse_url(expected)


def test_a_target_that_looks_like_a_host() -> None:
    base = parse_url("wss://a//b/c")
    assert resolve(base, "/d").public == "wss://a/d"
    assert resolve(base, "?d").public == "wss://a//b/c?d"
    assert resolve(base, "//d").public == "wss://d/"


@pytest.mark.parametrize(
    ("reference", "text"),
    [
        (f"wss://user:{HIDDEN}@other/", "url from a server contains a user name"),
        (f"//{HIDDEN}@other/", "url from a server contains a user name"),
        (f"mailto:{HIDDEN}", "url has no scheme"),
        (f"ws:/{HIDDEN}", "url has no scheme"),
        (f"ftp://{HIDDEN}/", "url has the scheme 'ftp'"),
        ("//", "url has no host"),
        ("ws:///x", "url has no host"),
        (f"//other:{HIDDEN}/", "port is not a number"),
        ("//other:0/", "port is out of range"),
        (f"//[{HIDDEN}]/", "host in brackets is not an ipv6 address"),
        (f"/{HIDDEN}\r\nX: y", "url contains a control character"),
        (f"/{HIDDEN}\t", "url contains a control character"),
        (f"/{HIDDEN}\x00", "url contains a control character"),
        (f" /{HIDDEN}", "url begins or ends with white space"),
        (f"\\\\{HIDDEN}\\", "url contains a backslash"),
        (f"/{HIDDEN}\ud800", "url contains a lone surrogate"),
    ],
)
def test_bad_reference(reference: str, text: str) -> None:
    with pytest.raises(InvalidURL) as caught:
        resolve(BASE, reference)
    assert str(caught.value).startswith(text)
    assert HIDDEN not in str(caught.value)


PIECES = st.lists(
    st.sampled_from(
        ["/", "//", ".", "..", "a", "b", ":", "?", "#", "@", ";", "%2e", "ws:", "[", " "]
    )
)


@given(PIECES.map("".join) | st.text())
def test_any_reference_gives_a_usable_url_or_invalid_url(reference: str) -> None:
    try:
        url = resolve(BASE, reference)
    except InvalidURL:
        return
    assert url.userinfo is None
    assert url.target.startswith("/")
    assert all("!" <= character <= "~" for character in url.target + url.host)
    assert url == URL(url.secure, url.host, url.port, url.target)


@given(PIECES.map("".join))
def test_the_same_as_the_standard_library(reference: str) -> None:
    try:
        url = resolve(BASE, reference)
        joined = parse_url(urljoin(BASE.public, reference).partition("#")[0])
    except ValueError:
        return
    assert url == joined
