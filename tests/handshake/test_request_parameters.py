"""Parts of the request with their own parameter: cookies, auth, origin, user agent."""

from __future__ import annotations

import base64
from http.cookies import SimpleCookie
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given, strategies as st
from multidict import CIMultiDict, MultiDict
from openings import HIDDEN, handshake

from wirespeed._handshake.request import DEFAULT_USER_AGENT, Ask


def lines(url: str = "ws://a", **asked: Any) -> list[str]:
    """Return the header lines after those that are always there."""
    head = handshake(url, **asked).request().decode("latin-1")
    assert head.endswith("\r\n\r\n")
    first, *rest = head.removesuffix("\r\n\r\n").split("\r\n")
    assert first == "GET / HTTP/1.1"
    return rest[5:]


def basic(user: str, password: str) -> str:
    return f"Authorization: Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"


AGENT = f"User-Agent: {DEFAULT_USER_AGENT}"


def set_cookies(*headers: str) -> SimpleCookie:
    jar = SimpleCookie()
    for header in headers:
        jar.load(header)
    return jar


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({}, [AGENT]),
        ({"user_agent": None}, []),
        ({"user_agent": "mine/1 (ü)"}, ["User-Agent: mine/1 (ü)"]),
        ({"user_agent": ""}, ["User-Agent: "]),
        ({"user_agent": DEFAULT_USER_AGENT}, [AGENT]),
        ({"user_agent": None, "headers": {"user-agent": "x"}}, ["user-agent: x"]),
        ({"headers": {"user-agent": "x"}}, ["user-agent: x"]),
        ({"origin": "https://example.com"}, [AGENT, "Origin: https://example.com"]),
        ({"origin": " null "}, [AGENT, "Origin: null"]),
        ({"auth": ("u", "p")}, [AGENT, basic("u", "p")]),
        ({"auth": ("", "")}, [AGENT, basic("", "")]),
        ({"auth": ("ü", "p:ä€")}, [AGENT, basic("ü", "p:ä€")]),
        ({"url": "ws://x:y@a", "auth": ("u", "p")}, [AGENT, basic("u", "p")]),
        ({"url": "ws://x:y@a"}, [AGENT, basic("x", "y")]),
        ({"cookies": {}}, [AGENT]),
        ({"cookies": {"a": "1"}}, [AGENT, "Cookie: a=1"]),
        ({"cookies": {"a": "1", "b": "", "c": '"q"'}}, [AGENT, 'Cookie: a=1; b=; c="q"']),
        (
            {"cookies": {"$x": "!#$%&'()*+-./:<=>?@[]^_`{|}~"}},
            [AGENT, "Cookie: $x=!#$%&'()*+-./:<=>?@[]^_`{|}~"],
        ),
        ({"cookies": MappingProxyType({"a": "1"})}, [AGENT, "Cookie: a=1"]),
        ({"cookies": MultiDict([("a", "1"), ("a", "2")])}, [AGENT, "Cookie: a=1; a=2"]),
        (
            {"cookies": set_cookies("a=1; Path=/; HttpOnly", "b=x%20y; Secure")},
            [AGENT, "Cookie: a=1; b=x%20y"],
        ),
        (
            {
                "url": "ws://x:y@a",
                "headers": CIMultiDict([("X", "1"), ("x", "2")]),
                "user_agent": "mine",
                "auth": ("u", "p"),
                "origin": "null",
                "cookies": {"a": "1"},
            },
            ["User-Agent: mine", basic("u", "p"), "Origin: null", "Cookie: a=1", "X: 1", "x: 2"],
        ),
    ],
)
def test_headers_of_parameters(asked: dict[str, Any], expected: list[str]) -> None:
    assert lines(**asked) == expected


CONTROL = "contains a control character"
ENCODED = "contains a character that must be encoded"


@pytest.mark.parametrize(
    ("asked", "error", "text"),
    [
        ({"user_agent": 1}, TypeError, "user_agent must be a str or None, not int"),
        ({"user_agent": b"x"}, TypeError, "user_agent must be a str or None, not bytes"),
        (
            {"user_agent": f"{HIDDEN}\r\nX: y"},
            ValueError,
            f"value of header 'User-Agent' {CONTROL}",
        ),
        ({"origin": 1}, TypeError, "origin must be a str or None, not int"),
        ({"origin": f"{HIDDEN}\n"}, ValueError, f"value of header 'Origin' {CONTROL}"),
        ({"origin": f"{HIDDEN}€"}, ValueError, "value of header 'Origin' contains a character out"),
        ({"auth": f"u:{HIDDEN}"}, TypeError, "auth must be a pair (user, password), not str"),
        ({"auth": [HIDDEN, HIDDEN]}, TypeError, "auth must be a pair (user, password), not list"),
        ({"auth": (HIDDEN,)}, TypeError, "auth must be a pair (user, password), not tuple of 1"),
        (
            {"auth": ("a", "b", "c")},
            TypeError,
            "auth must be a pair (user, password), not tuple of",
        ),
        ({"auth": (HIDDEN, None)}, TypeError, "password in auth must be a str, not NoneType"),
        ({"auth": (b"u", HIDDEN)}, TypeError, "user in auth must be a str, not bytes"),
        ({"auth": (f"{HIDDEN}:", "p")}, ValueError, "user in auth contains a colon (RFC 7617"),
        ({"auth": ("u", f"{HIDDEN}\n")}, ValueError, f"password in auth {CONTROL}"),
        ({"auth": (f"{HIDDEN}\x7f", "p")}, ValueError, f"user in auth {CONTROL}"),
        ({"auth": ("u", f"{HIDDEN}\ud800")}, ValueError, "password in auth contains a lone surr"),
        ({"cookies": f"a={HIDDEN}"}, TypeError, "cookies must be a mapping, not str"),
        ({"cookies": [("a", HIDDEN)]}, TypeError, "cookies must be a mapping, not list"),
        ({"cookies": {1: HIDDEN}}, TypeError, "cookie name must be a str, not int"),
        ({"cookies": {"a": 1}}, TypeError, "value of cookie 'a' must be a str, not int"),
        ({"cookies": {"a": None}}, TypeError, "value of cookie 'a' must be a str, not NoneType"),
        ({"cookies": {"": HIDDEN}}, ValueError, "cookie name is not a token (RFC 6265"),
        ({"cookies": {f"{HIDDEN}=": "1"}}, ValueError, "cookie name is not a token (RFC 6265"),
        ({"cookies": {f"{HIDDEN}\n": "1"}}, ValueError, "cookie name is not a token (RFC 6265"),
        *[
            ({"cookies": {"a": f"{HIDDEN}{bad}"}}, ValueError, f"value of cookie 'a' {ENCODED}")
            for bad in [
                " ",
                "\t",
                ";",
                "; b=1",
                ",",
                "\\",
                '"',
                "\r\nX: y",
                "\n",
                "\x00",
                "\x7f",
                "ü",
            ]
        ],
        ({"cookies": {"a": f'"{HIDDEN}'}}, ValueError, f"value of cookie 'a' {ENCODED}"),
        (
            {"cookies": SimpleCookie({"a": f"{HIDDEN} x"})},
            ValueError,
            f"value of cookie 'a' {ENCODED}",
        ),
        *[
            (
                {"headers": {name.lower(): HIDDEN}, parameter: value},
                ValueError,
                f"header {name!r} and parameter {parameter} were both given, one is enough",
            )
            for name, parameter, value in [
                ("User-Agent", "user_agent", "x"),
                ("Origin", "origin", "null"),
                ("Authorization", "auth", ("u", "p")),
                ("Cookie", "cookies", {"a": "1"}),
            ]
        ],
    ],
)
def test_what_cannot_be_sent(asked: dict[str, Any], error: type[Exception], text: str) -> None:
    with pytest.raises(error) as caught:
        handshake(**asked)
    assert text in str(caught.value)
    assert HIDDEN not in str(caught.value)
    assert caught.value.__context__ is None


def test_an_iterator_of_headers_is_good_for_many_requests() -> None:
    asked = Ask(headers=iter([("A", "1"), ("B", "2")]))
    assert asked.headers == (("A", "1"), ("B", "2"))


@given(
    st.dictionaries(st.text(), st.text()),
    st.none() | st.tuples(st.text(), st.text()),
    st.none() | st.text(),
    st.none() | st.text(),
)
def test_no_text_adds_a_line(
    cookies: dict[str, str], auth: tuple[str, str] | None, origin: str | None, agent: str | None
) -> None:
    try:
        found = lines(cookies=cookies, auth=auth, origin=origin, user_agent=agent)
    except ValueError:
        return
    names = [line.partition(":")[0] for line in found]
    given = {
        "User-Agent": agent,
        "Authorization": auth,
        "Origin": origin,
        "Cookie": cookies or None,
    }
    assert names == [name for name, value in given.items() if value is not None]
