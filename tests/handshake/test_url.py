"""Good and bad URLs, and secrets that their errors must not reveal.

Uses only `parse_url` and the parts it returns.
"""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlparse, urlsplit

import pytest
import yarl
from hypothesis import given, strategies as st

from wirespeed._handshake.url import URL, URLObject, parse_url
from wirespeed.exceptions import InvalidURL

LABEL_63 = "a" * 63
NAME_253 = ".".join([LABEL_63] * 3 + ["b" * 61])

GOOD: list[tuple[str, URL, str]] = [
    ("ws://example.com", URL(False, "example.com", 80, "/"), "example.com"),
    ("wss://example.com", URL(True, "example.com", 443, "/"), "example.com"),
    ("http://example.com", URL(False, "example.com", 80, "/"), "example.com"),
    ("https://example.com", URL(True, "example.com", 443, "/"), "example.com"),
    ("WsS://EXAMPLE.Com/Path", URL(True, "example.com", 443, "/Path"), "example.com"),
    ("ws://example.com:", URL(False, "example.com", 80, "/"), "example.com"),
    ("ws://example.com:80/", URL(False, "example.com", 80, "/"), "example.com"),
    ("wss://example.com:443/", URL(True, "example.com", 443, "/"), "example.com"),
    ("ws://example.com:443/", URL(False, "example.com", 443, "/"), "example.com:443"),
    ("wss://example.com:80/", URL(True, "example.com", 80, "/"), "example.com:80"),
    ("ws://example.com:00080/", URL(False, "example.com", 80, "/"), "example.com"),
    ("ws://example.com:1", URL(False, "example.com", 1, "/"), "example.com:1"),
    ("ws://example.com:65535", URL(False, "example.com", 65535, "/"), "example.com:65535"),
    ("ws://localhost:8765/a/b", URL(False, "localhost", 8765, "/a/b"), "localhost:8765"),
    ("ws://a?x=1&y=2", URL(False, "a", 80, "/?x=1&y=2"), "a"),
    ("ws://a/p?x=1?y", URL(False, "a", 80, "/p?x=1?y"), "a"),
    ("ws://a/?", URL(False, "a", 80, "/?"), "a"),
    ("ws://a//b/../c", URL(False, "a", 80, "//b/../c"), "a"),
    ("ws://a/b c?d e", URL(False, "a", 80, "/b%20c?d%20e"), "a"),
    ("ws://a/%20%zz%", URL(False, "a", 80, "/%20%zz%"), "a"),
    ("ws://a/ü?€=\U0001f600", URL(False, "a", 80, "/%C3%BC?%E2%82%AC=%F0%9F%98%80"), "a"),
    ("ws://a/!$&'()*+,;=:@~{}|^`\"<>[]", URL(False, "a", 80, "/!$&'()*+,;=:@~{}|^`\"<>[]"), "a"),
    ("ws://a/x@y:z", URL(False, "a", 80, "/x@y:z"), "a"),
    ("ws://127.0.0.1:9", URL(False, "127.0.0.1", 9, "/"), "127.0.0.1:9"),
    ("ws://[::1]", URL(False, "::1", 80, "/"), "[::1]"),
    ("ws://[::1]:8080/x", URL(False, "::1", 8080, "/x"), "[::1]:8080"),
    ("ws://[2001:DB8:0:0::1]:80", URL(False, "2001:db8:0:0::1", 80, "/"), "[2001:db8:0:0::1]"),
    ("ws://[::ffff:1.2.3.4]", URL(False, "::ffff:1.2.3.4", 80, "/"), "[::ffff:1.2.3.4]"),
    ("ws://[fe80::1%25eth0]:81/", URL(False, "fe80::1%eth0", 81, "/"), "[fe80::1]:81"),
    ("ws://[fe80::1%eth0]/", URL(False, "fe80::1%eth0", 80, "/"), "[fe80::1]"),
    ("ws://bücher.example/", URL(False, "xn--bcher-kva.example", 80, "/"), "xn--bcher-kva.example"),
    ("ws://例え。テスト", URL(False, "xn--r8jz45g.xn--zckzah", 80, "/"), "xn--r8jz45g.xn--zckzah"),
    ("ws://XN--BCHER-KVA.de", URL(False, "xn--bcher-kva.de", 80, "/"), "xn--bcher-kva.de"),
    # IDNA 2008 keeps these characters; IDNA 2003 maps them to others.
    ("ws://www.faß.de", URL(False, "www.xn--fa-hia.de", 80, "/"), "www.xn--fa-hia.de"),
    ("ws://FA\u1e9e\u3002de.", URL(False, "xn--fa-hia.de.", 80, "/"), "xn--fa-hia.de."),
    ("ws://Βόλος.example", URL(False, "xn--nxasmm1c.example", 80, "/"), "xn--nxasmm1c.example"),
    (
        "ws://نامه\u200cای.example",
        URL(False, "xn--mgba3gch31f060k.example", 80, "/"),
        "xn--mgba3gch31f060k.example",
    ),
    (
        "ws://my_service-1.internal.",
        URL(False, "my_service-1.internal.", 80, "/"),
        "my_service-1.internal.",
    ),
    (f"ws://{NAME_253}", URL(False, NAME_253, 80, "/"), NAME_253),
    ("ws://u:p@a", URL(False, "a", 80, "/", ("u", "p")), "a"),
    ("ws://u@a:81", URL(False, "a", 81, "/", ("u", "")), "a:81"),
    ("ws://:p@a", URL(False, "a", 80, "/", ("", "p")), "a"),
    ("ws://@a", URL(False, "a", 80, "/"), "a"),
    ("ws://u:p:q@a", URL(False, "a", 80, "/", ("u", "p:q")), "a"),
    ("ws://u:p@q@a", URL(False, "a", 80, "/", ("u", "p@q")), "a"),
    ("ws://%C3%BC%40:%2F%3F%23@[::1]", URL(False, "::1", 80, "/", ("ü@", "/?#")), "[::1]"),
    ("ws://ü:é@a", URL(False, "a", 80, "/", ("ü", "é")), "a"),
]

NO_SCHEME = (
    "url has no scheme, it must begin with ws://, wss://, http:// or https:// (RFC 6455 section 3)"
)
CONTROL = "url contains a control character (RFC 3986 section 2)"
WHITE_SPACE = "url begins or ends with white space (RFC 3986 section 2)"
NO_HOST = "url has no host (RFC 6455 section 3)"
HOST_NAME = (
    "host is not a valid name: labels of 1 to 63 characters, 253 in all, are allowed"
    " (RFC 1034 section 3.1, RFC 3490)"
)
HOST_CHARACTER = (
    "host contains a character that no name can have: letters, digits, '-', '_' and '.'"
    " are allowed (RFC 3986 section 3.2.2)"
)
BRACKETS = "ipv6 host must be written as [address] or [address]:port (RFC 3986 section 3.2.2)"
NOT_IPV6 = "host in brackets is not an ipv6 address (RFC 3986 section 3.2.2)"
PORT_RANGE = "port is out of range, 1 to 65535 is allowed"
PORT_NUMBER = "port is not a number (RFC 3986 section 3.2.3)"
FRAGMENT = (
    "url has a fragment, which is forbidden (RFC 6455 section 3);"
    " a '#' that belongs to path or query is written %23"
)
BACKSLASH = "url contains a backslash, which is written %5C (RFC 3986 section 2)"

BAD: list[tuple[str, str]] = [
    ("", NO_SCHEME),
    ("example.com", NO_SCHEME),
    ("example.com:80/x", NO_SCHEME),
    ("//example.com", NO_SCHEME),
    ("://example.com", NO_SCHEME),
    ("ws:example.com", NO_SCHEME),
    ("ws:/example.com", NO_SCHEME),
    ("user:secret@example.com", NO_SCHEME),
    ("wß://example.com", NO_SCHEME),
    (
        "ftp://example.com",
        "url has the scheme 'ftp', ws, wss, http or https is required (RFC 6455 section 3)",
    ),
    (
        f"{'x' * 99}://a",
        f"url has the scheme '{'x' * 32}', ws, wss, http or https is required (RFC 6455 section 3)",
    ),
    (" ws://a", WHITE_SPACE),
    ("ws://a ", WHITE_SPACE),
    ("\u00a0ws://a", WHITE_SPACE),
    ("ws://a/\u2028", WHITE_SPACE),
    ("\tws://a", CONTROL),
    ("ws://a\n", CONTROL),
    ("w\ts://a", CONTROL),
    ("ws://a\r\nHost: b", CONTROL),
    ("ws://a/\x00", CONTROL),
    ("ws://a/\x7f", CONTROL),
    ("ws://a/\ud800", "url contains a lone surrogate (RFC 3629 section 3)"),
    ("ws://a\\b", BACKSLASH),
    ("ws:\\\\a", BACKSLASH),
    ("ws://a/b\\c", BACKSLASH),
    ("ws://", NO_HOST),
    ("ws:///path", NO_HOST),
    ("ws://?query", NO_HOST),
    ("ws://:80/", NO_HOST),
    ("ws://u:p@/", NO_HOST),
    ("ws://u:p@:80/", NO_HOST),
    ("ws://a#", FRAGMENT),
    ("ws://a/#b", FRAGMENT),
    ("ws://a/?b#c?d", FRAGMENT),
    ("ws://faß..de", HOST_NAME),
    (f"ws://{'ß' * 64}.de", HOST_NAME),
    ("ws://faß\u2488.de", HOST_NAME),
    ("ws://faß\ufffd.de", HOST_NAME),
    ("ws://faß\u2100.de", HOST_CHARACTER),
    ("ws://a:0", PORT_RANGE),
    ("ws://a:65536", PORT_RANGE),
    ("ws://a:99999", PORT_RANGE),
    (f"ws://a:{'9' * 5000}", PORT_RANGE),
    ("ws://a:x", PORT_NUMBER),
    ("ws://a:-1", PORT_NUMBER),
    ("ws://a:+80", PORT_NUMBER),
    ("ws://a:8 0", PORT_NUMBER),
    ("ws://a:８０", PORT_NUMBER),
    ("ws://a:80:81", PORT_NUMBER),
    ("ws://::1/", NO_HOST),
    ("ws://[::1/", BRACKETS),
    ("ws://[::1]80/", BRACKETS),
    ("ws://[]", NOT_IPV6),
    ("ws://[1.2.3.4]", NOT_IPV6),
    ("ws://[v1.x]", NOT_IPV6),
    ("ws://[:::1]", NOT_IPV6),
    ("ws://[[::1]]", NOT_IPV6),
    ("ws://[fe80::1%]", "ipv6 host has a malformed zone (RFC 6874 section 2)"),
    ("ws://[fe80::1%25e t]", "ipv6 host has a malformed zone (RFC 6874 section 2)"),
    ("ws://a b/", HOST_CHARACTER),
    ("ws://a%41/", HOST_CHARACTER),
    ("ws://a*/", HOST_CHARACTER),
    ("ws://a]/", HOST_CHARACTER),
    ("ws://a\u2100b/", HOST_CHARACTER),
    ("ws://a..b", HOST_NAME),
    ("ws://.a", HOST_NAME),
    (f"ws://{LABEL_63}a", HOST_NAME),
    (f"ws://{NAME_253}.c", HOST_NAME),
    (f"ws://{'.'.join(['ü'] * 40)}", HOST_NAME),
    ("ws://\u00ad", HOST_NAME),
    ("ws://a\ue000", HOST_NAME),
    ("ws://%ff:p@a", "user name or password is not UTF-8 (RFC 7617 section 2.1)"),
    ("ws://u:%ed%a0%80@a", "user name or password is not UTF-8 (RFC 7617 section 2.1)"),
    ("ws://u%3Av:p@a", "user name contains a colon (RFC 7617 section 2)"),
    ("ws://u:p%0a@a", "user name or password contains a control character (RFC 7617 section 2)"),
]


@pytest.mark.parametrize(("text", "expected", "host_header"), GOOD)
def test_good_url(text: str, expected: URL, host_header: str) -> None:
    url = parse_url(text)
    assert url == expected
    assert url.host_header == host_header


@pytest.mark.parametrize(("text", "message"), BAD)
def test_bad_url(text: str, message: str) -> None:
    with pytest.raises(InvalidURL) as caught:
        parse_url(text)
    assert str(caught.value) == message
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("value", [None, b"ws://a", 1, ["ws://a"], bytearray(b"ws://a")])
def test_type(value: object) -> None:
    with pytest.raises(TypeError) as caught:
        parse_url(value)  # type: ignore[arg-type]
    assert str(caught.value) == f"url must be a str or a URL object, not {type(value).__name__}"


@pytest.mark.parametrize("text", ["wss://u:p%2Fp@[::1]:81/a%20b?c=%FC", "http://example.com"])
def test_url_objects(text: str) -> None:
    assert parse_url(yarl.URL(text)) == parse_url(text)
    assert parse_url(httpx_like(text)) == parse_url(text)


def httpx_like(text: str) -> URLObject:
    """Make a URL object of another class."""

    class Other:
        scheme = text.partition(":")[0]

        def __str__(self) -> str:
            return text

    return Other()


@pytest.mark.parametrize("text", ["", "example.com", "ftp://a", "ws://a/#b", "ws:///a"])
def test_url_objects_are_checked_too(text: str) -> None:
    with pytest.raises(InvalidURL) as as_object:
        parse_url(yarl.URL(text))
    with pytest.raises(InvalidURL) as as_text:
        parse_url(text)
    assert str(as_object.value) == str(as_text.value)


@pytest.mark.parametrize(
    "value", [urlsplit("ws://a/"), urlparse("ws://u:hunter2@a/"), Path("ws://a")], ids=repr
)
def test_other_objects_are_no_urls(value: object) -> None:
    with pytest.raises(TypeError, match=r"^url must be a str or a URL object, not [A-Za-z]+$"):
        parse_url(value)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("wss://a/b?c", "wss://a/b?c"),
        ("http://a:81", "ws://a:81/"),
        ("https://us er:secret@a", "wss://us%20er:***@a/"),
        ("ws://user@a", "ws://user:***@a/"),
        ("ws://:secret@[::1]:9", "ws://:***@[::1]:9/"),
    ],
)
def test_shown_without_password(text: str, shown: str) -> None:
    url = parse_url(text)
    assert str(url) == shown
    assert repr(url) == f"URL('{shown}')"
    assert f"{url} {[url]!r}".count("secret") == 0
    assert url.public == re.sub("//.*@", "//", shown)


def test_url_is_a_value() -> None:
    url = parse_url("ws://u:p@a/b")
    assert hash(url) == hash(parse_url("http://u:p@A:80/b"))
    with pytest.raises(AttributeError):
        url.port = 81  # type: ignore[misc]


HIDDEN = "hunter2"
AFTER_HIDDEN = st.sampled_from(
    [
        "",
        ":",
        "/",
        "?",
        "#",
        "@",
        "[",
        "]",
        "%",
        "%ff",
        "%3a",
        " ",
        "\\",
        "\n",
        "ü",
        "..",
        ":x",
        "://",
    ]
)


@given(
    st.sampled_from(["", "ws:", "ws:/", "ws://", "wss://", "ftp://", " ws://", "ws://["]),
    st.sampled_from(["", "u:", "u", ":", "99999", "%ff"]),
    AFTER_HIDDEN,
    AFTER_HIDDEN,
    st.sampled_from(["", "@", "@a", "@a:x", "@[::1", "@a#b", "@a:80/b", "@a..b"]),
)
def test_no_error_quotes_the_userinfo(
    start: str, before: str, after: str, twice: str, end: str
) -> None:
    for text in (
        f"{start}{before}{HIDDEN}{after}{twice}{end}",
        f"{start}{before}{after}{HIDDEN}{twice}{HIDDEN}{end}",
    ):
        try:
            parse_url(text)
        except InvalidURL as error:
            # Only the text directly before "://" is a scheme, and shown as one.
            if f"{HIDDEN}://" not in text:
                assert HIDDEN not in str(error)


@given(st.text() | st.text(alphabet="wsht:/@[]%#?.\\ \t1aü", max_size=40).map("ws://{}".format))
def test_any_text_gives_a_usable_url_or_invalid_url(text: str) -> None:
    try:
        url = parse_url(text)
    except InvalidURL:
        return
    assert url.target.startswith("/")
    assert all("!" <= character <= "~" for character in url.target + url.host)
    assert 1 <= url.port <= 65535
    again = URL(url.secure, url.host, url.port, url.target)
    if "%" not in url.host:
        assert parse_url(str(again)) == again
