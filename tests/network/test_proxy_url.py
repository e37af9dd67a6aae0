"""Which proxy is used: its URL, and what the environment says. Nothing connects."""

from __future__ import annotations

import re
import urllib.request

import pytest

from wirespeed._handshake.url import parse_url
from wirespeed._network.proxy_url import Proxy, choose_proxy
from wirespeed.exceptions import InvalidURL

HIDDEN = "hunter2"
WS = parse_url("ws://feed.example/ticks")
WSS = parse_url("wss://feed.example/ticks")

URLS = {
    "http://proxy": Proxy("http", "proxy", 80),
    "https://proxy/": Proxy("https", "proxy", 443),
    "HTTP://Proxy:3128": Proxy("http", "proxy", 3128),
    "socks4://proxy": Proxy("socks4", "proxy", 1080),
    "socks4a://proxy": Proxy("socks4a", "proxy", 1080),
    "socks5://[::1]:9": Proxy("socks5", "::1", 9),
    "socks5h://a:b@proxy": Proxy("socks5h", "proxy", 1080, ("a", "b")),
    "http://a:b%40%2F%3a@proxy": Proxy("http", "proxy", 80, ("a", "b@/:")),
    "http://a@proxy": Proxy("http", "proxy", 80, ("a", "")),
    "http://\u00e9:\u00e8@proxy": Proxy("http", "proxy", 80, ("\u00e9", "\u00e8")),
    "socks4://a:ignored@proxy": Proxy("socks4", "proxy", 1080, ("a", "ignored")),
}

BAD = {
    "": "no scheme",
    "proxy:3128": "no scheme",
    "//proxy": "no scheme",
    f"ftp://a:{HIDDEN}@proxy": "scheme 'ftp'",
    f"ws://a:{HIDDEN}@proxy": "scheme 'ws'",
    "http://": "no host",
    f"http://a:{HIDDEN}@": "no host",
    f"http://a:b/{HIDDEN}@proxy": "a path, a query or a fragment",
    f"http://a:b?{HIDDEN}@proxy": "a path, a query or a fragment",
    f"http://a:b#{HIDDEN}@proxy": "a path, a query or a fragment",
    f"http://a:{HIDDEN}@proxy:x": "port is not a number",
    f"http://a:{HIDDEN}@proxy:65536": "port is out of range",
    f"http://a:{HIDDEN}@pro xy": "host contains a character",
    f"http://a:{HIDDEN}\n@proxy": "control character",
    f"http://a%3a:{HIDDEN}@proxy": "colon",
    f"http://a:{HIDDEN}%0d@proxy": "control character",
    f"http://a:{HIDDEN}%ff@proxy": "not UTF-8",
    f"socks5://:{HIDDEN}@proxy": "1 to 255 characters",
    f"socks5h://{HIDDEN}@proxy": "1 to 255 characters",
    f"socks5h://a:{HIDDEN * 40}@proxy": "1 to 255 characters",
    f"socks5://a:{HIDDEN}\u00e9@proxy": "not ASCII",
    f"socks4a://{HIDDEN}\u00e9@proxy": "not ASCII",
}


@pytest.fixture(autouse=True)
def _own_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    """Use only the environment of the test, even if the system has proxy settings."""
    for name in ("ws", "wss", "http", "https", "socks", "all", "no"):
        monkeypatch.delenv(f"{name}_proxy", raising=False)
        monkeypatch.delenv(f"{name}_proxy".upper(), raising=False)
    monkeypatch.setattr(urllib.request, "getproxies", urllib.request.getproxies_environment)
    own = vars(urllib.request)["proxy_bypass_environment"]
    monkeypatch.setattr(urllib.request, "proxy_bypass", own)


@pytest.mark.parametrize("text", URLS)
def test_urls(text: str) -> None:
    assert choose_proxy(text, WS) == URLS[text]


@pytest.mark.parametrize("text", BAD)
def test_urls_that_are_refused(text: str) -> None:
    with pytest.raises(InvalidURL, match=BAD[text]) as caught:
        choose_proxy(text, WS)
    assert str(caught.value).startswith("proxy: ")
    assert HIDDEN not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


@pytest.mark.parametrize(
    ("proxy", "given"),
    [(False, "False"), (3128, "int"), (b"http://proxy", "bytes"), (("proxy", 80), "tuple")],
)
def test_other_types_are_refused(proxy: object, given: str) -> None:
    with pytest.raises(TypeError, match=f"proxy must be a str, True or None, not {given}"):
        choose_proxy(proxy, WS)  # type: ignore[arg-type]


def test_no_text_has_user_or_password() -> None:
    proxy = choose_proxy(f"socks5h://someone:{HIDDEN}@[::1]", WS)
    assert str(proxy) == "socks5h://[::1]:1080"
    assert repr(proxy) == "Proxy('socks5h://[::1]:1080')"


def test_without_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("all_proxy", "http://proxy")
    assert choose_proxy(None, WS) is None


def test_an_environment_without_one() -> None:
    assert choose_proxy(True, WS) is None


@pytest.mark.parametrize(
    ("secure", "order"),
    [(False, ["ws", "http", "socks", "all"]), (True, ["wss", "https", "socks", "all"])],
)
def test_the_order_of_the_variables(
    secure: bool, order: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    url = WSS if secure else WS
    for name in reversed(order):
        monkeypatch.setenv(f"{name}_proxy", f"http://{name}")
        found = choose_proxy(True, url)
        assert found is not None
        assert found.host == name


@pytest.mark.parametrize("variable", ["ws", "http"])
def test_variables_of_the_other_kind_do_not_count(
    variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"{variable}_proxy", "http://proxy")
    assert choose_proxy(True, WSS) is None


@pytest.mark.parametrize(
    ("variable", "value", "expected"),
    [
        ("HTTP_PROXY", "http://upper", Proxy("http", "upper", 80)),
        ("http_proxy", "bare:3128", Proxy("http", "bare", 3128)),
        ("http_proxy", "a:b@bare", Proxy("http", "bare", 80, ("a", "b"))),
        ("socks_proxy", "bare:9", Proxy("socks5h", "bare", 9)),
        ("socks_proxy", "http://system:9", Proxy("socks5h", "system", 9)),
        ("socks_proxy", "socks4://old", Proxy("socks4", "old", 1080)),
        ("all_proxy", "socks5://any", Proxy("socks5", "any", 1080)),
        ("http_proxy", "", None),
    ],
)
def test_what_variables_may_say(
    variable: str, value: str, expected: Proxy | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    assert choose_proxy(True, WS) == expected


def test_a_bad_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://a:{HIDDEN}/@proxy")
    with pytest.raises(InvalidURL, match=re.escape("https_proxy of the environment")) as caught:
        choose_proxy(True, WSS)
    assert HIDDEN not in str(caught.value)


@pytest.mark.parametrize(
    ("no_proxy", "url", "exempt"),
    [
        ("*", "ws://feed.example", True),
        ("feed.example", "ws://feed.example", True),
        ("FEED.example", "ws://feed.EXAMPLE", True),
        ("other, .example", "ws://feed.example", True),
        ("example", "ws://feed.example", True),
        ("ample", "ws://feed.example", False),
        ("feed.example:80", "ws://feed.example", True),
        ("feed.example:443", "ws://feed.example", False),
        ("feed.example:443", "wss://feed.example", True),
        ("127.0.0.1", "ws://127.0.0.1:8000", True),
        ("::1", "ws://[::1]:8000", True),
        ("[::1]", "ws://[::1]:8000", True),
        ("[::1]:8000", "ws://[::1]:8000", True),
        ("[::1]:8001", "ws://[::1]:8000", False),
        ("", "ws://feed.example", False),
        (".", "ws://feed.example", False),
        ("10.0.0.0/8", "ws://10.1.2.3", True),
        ("10.0.0.0/8", "ws://11.1.2.3", False),
        ("10.1.2.3/8", "ws://10.3.2.1", True),
        ("10.0.0.0/8", "ws://10.example", False),
        ("10.0.0.0/33,127.0.0.0/8", "ws://127.0.0.1", True),
        ("fd00::/8", "ws://[fd12::1]", True),
        ("[fd00::]/8", "ws://[fd12::1]", True),
        ("fd00::/8", "ws://[fe80::1]", False),
        ("fd00::/8", "ws://10.1.2.3", False),
        ("0:0:0:0:0:0:0:1", "ws://[::1]:8000", True),
        ("[0:0::1]", "ws://[::1]", True),
        ("FE80::1", "ws://[fe80:0:0::1]", True),
        ("fe80::/10", "ws://[fe80::1%25eth0]", True),
        ("localhost", "ws://localhost.", True),
        ("localhost.", "ws://localhost", True),
        (".example.", "ws://feed.example", True),
        ("other localhost", "ws://localhost", True),
    ],
)
def test_hosts_in_no_proxy(
    no_proxy: str, url: str, exempt: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("all_proxy", "http://proxy")
    monkeypatch.setenv("no_proxy", no_proxy)
    assert (choose_proxy(True, parse_url(url)) is None) == exempt
    # A proxy that the caller names is always used.
    assert choose_proxy("http://proxy", parse_url(url)) is not None


def test_a_program_behind_a_web_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """In such a program, HTTP_PROXY holds the value of the client's header "Proxy"."""
    monkeypatch.setenv("REQUEST_METHOD", "GET")
    monkeypatch.setenv("HTTP_PROXY", "http://attacker")
    assert choose_proxy(True, WS) is None
