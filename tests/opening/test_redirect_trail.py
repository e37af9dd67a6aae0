"""Where redirects lead, what is sent there, and which of them are not followed.

Uses only the trail, without sockets.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, strategies as st
from openings import HIDDEN

from wirespeed._base.response import frozen_headers
from wirespeed._handshake.opening_handshake import OpeningHandshake
from wirespeed._handshake.request import Ask
from wirespeed._network.route import Route
from wirespeed._opening.plan import Plan
from wirespeed._opening.redirects import Trail
from wirespeed.exceptions import HandshakeError, OpenTimeout, ProxyError

INVALID = "header Location is invalid"
SECRET_HEADERS = [
    ("authorization", HIDDEN),
    ("X-Kept", "1"),
    ("COOKIE", HIDDEN),
    ("Cookie", HIDDEN),
    ("Proxy-Authorization", HIDDEN),
    ("Host", "front.example"),
]


def plan(url: str = "ws://a/", *, route: Route | None = None, limit: int = 10, **ask: Any) -> Plan:
    return Plan(
        url=url,
        ask=Ask(**ask),
        route=Route() if route is None else route,
        max_redirects=limit,
        open_timeout=10.0,
        options={},
    )


def redirect(location: str | None, status: int = 302) -> HandshakeError:
    headers = frozen_headers([] if location is None else [("Location", location), ("X", "y")])
    return HandshakeError(
        f"server refused the upgrade: {status} Found",
        status=status,
        reason="Found",
        headers=headers,
        body=b"body",
    )


def refused(trail: Trail, refusal: HandshakeError) -> HandshakeError:
    """Return the error that the trail raises for a redirect that it does not follow."""
    before = trail.url, trail.ask, trail.history
    with pytest.raises(HandshakeError) as caught:
        trail.follow(refusal)
    assert (trail.url, trail.ask, trail.history) == before
    error = caught.value
    assert error.history == trail.history
    assert (error.status, error.headers, error.body) == (
        refusal.status,
        refusal.headers,
        refusal.body,
    )
    assert HIDDEN not in str(error)
    return error


def said(trail: Trail) -> str:
    """Return the request, with a fixed key instead of a random one."""
    request = OpeningHandshake(trail.url, trail.ask, key=bytes(16)).request()
    return request.decode("latin-1")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_followed(status: int) -> None:
    trail = Trail(plan("ws://a/b/c?d", headers={"X-Kept": "1"}))
    trail.follow(redirect("../e?f#g", status))
    assert trail.url.public == "ws://a/e?f"
    (response,) = trail.history
    assert (response.status, response.reason, response.url) == (status, "Found", "ws://a/b/c?d")
    assert list(response.headers.items()) == [("Location", "../e?f#g"), ("X", "y")]
    assert response.history == ()


@pytest.mark.parametrize("status", [101, 200, 300, 304, 305, 306, 309, 399, 401, 503])
def test_other_statuses_are_raised_as_they_are(status: int) -> None:
    trail = Trail(plan())
    refusal = redirect("/b", status)
    assert refused(trail, refusal) is refusal


def test_a_failure_without_a_response_has_the_history() -> None:
    trail = Trail(plan())
    trail.follow(redirect("/b"))
    late = OpenTimeout("late")
    assert refused(trail, late) is late
    assert [response.url for response in late.history] == ["ws://a/"]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_proxy_cannot_redirect(status: int) -> None:
    trail = Trail(plan())
    headers = frozen_headers([("Location", "ws://another.example/")])
    refusal = ProxyError("proxy refused", status=status, headers=headers)
    assert refused(trail, refusal) is refusal


def test_no_redirects_at_all() -> None:
    trail = Trail(plan(limit=0))
    assert not trail.follows
    refusal = redirect("/b")
    assert refused(trail, refusal) is refusal


def test_a_chain_that_is_too_long() -> None:
    trail = Trail(plan(limit=3))
    for number in range(3):
        trail.follow(redirect(f"/{number}"))
    error = refused(trail, redirect("/3"))
    assert str(error) == (
        "server refused the upgrade: 302 Found:"
        " over 3 redirects, which is the limit (max_redirects)"
    )
    assert [response.url for response in error.history] == ["ws://a/", "ws://a/0", "ws://a/1"]


@pytest.mark.parametrize(
    "chain", [["/"], ["#x"], ["ws://A:80"], ["/b", "/"], ["/b", "//c", "//a/b"], ["/b", "/c", "/b"]]
)
def test_a_loop(chain: list[str]) -> None:
    trail = Trail(plan(f"ws://user:{HIDDEN}@a/"))
    *first, last = chain
    for location in first:
        trail.follow(redirect(location))
    error = refused(trail, redirect(last))
    assert str(error) == (
        f"server refused the upgrade: 302 Found: redirect loop: redirect {len(chain)} leads to a"
        " url that was asked already (RFC 9110 section 15.4)"
    )
    assert len(error.history) == len(first)


@pytest.mark.parametrize(
    ("location", "text"),
    [
        (None, "redirect without the header Location (RFC 9110 section 10.2.2)"),
        ("", "redirect without the header Location (RFC 9110 section 10.2.2)"),
        (" \t", "redirect without the header Location (RFC 9110 section 10.2.2)"),
        (f"/{HIDDEN}\xff", "header Location is not UTF-8 (RFC 3986 section 2.5)"),
        ("//", f"{INVALID}: url has no host (RFC 6455 section 3)"),
        (
            f"/{HIDDEN}\t/",
            f"{INVALID}: url contains a control character (RFC 3986 section 2)",
        ),
        (
            f"ws://{HIDDEN}@b/",
            f"{INVALID}: url from a server contains a user name (RFC 9110 section 4.2.4)",
        ),
    ],
)
def test_a_location_that_is_none(location: str | None, text: str) -> None:
    error = refused(Trail(plan()), redirect(location))
    assert str(error) == f"server refused the upgrade: 302 Found: {text}"
    assert error.__cause__ is None


def test_a_location_in_utf8() -> None:
    trail = Trail(plan())
    trail.follow(redirect("/ü€".encode().decode("latin-1")))
    assert trail.url.public == "ws://a/%C3%BC%E2%82%AC"


@pytest.mark.parametrize("location", ["ws://a/", "http://a:443/", "ws://b/"])
def test_from_wss_to_ws(location: str) -> None:
    error = refused(Trail(plan("wss://a/")), redirect(location))
    assert str(error).endswith(": redirect from wss to ws, which would end the encryption")


OTHER_ORIGINS = [
    "//b/",
    "ws://a:81/",
    "wss://a/",
    "wss://a:80/",
    "https://a/",
    "//a.b/",
    "//127.1/",
]


@pytest.mark.parametrize("location", OTHER_ORIGINS)
def test_another_origin_gets_no_secret(location: str) -> None:
    trail = Trail(
        plan(f"ws://{HIDDEN}:{HIDDEN}@a/x", headers=SECRET_HEADERS, origin="null", user_agent="me")
    )
    assert said(trail).count(HIDDEN) == 4
    trail.follow(redirect(location))
    assert said(trail).splitlines()[1] == f"Host: {trail.url.host_header}"
    assert said(trail).splitlines()[6:] == ["User-Agent: me", "Origin: null", "X-Kept: 1", ""]
    assert trail.url.userinfo is None


@pytest.mark.parametrize("location", OTHER_ORIGINS)
def test_another_origin_gets_no_secret_of_a_parameter(location: str) -> None:
    trail = Trail(
        plan("ws://a/x", auth=(HIDDEN, HIDDEN), cookies={"a": HIDDEN}, subprotocols=["chat"])
    )
    trail.follow(redirect("/y"))
    assert "Authorization" in said(trail)
    assert f"Cookie: a={HIDDEN}" in said(trail)
    trail.follow(redirect(location))
    assert "Authorization" not in said(trail)
    assert "Cookie" not in said(trail)
    assert "Sec-WebSocket-Protocol: chat\r\n" in said(trail)


def test_secrets_do_not_come_back() -> None:
    trail = Trail(plan(f"ws://u:{HIDDEN}@a/", headers=SECRET_HEADERS))
    trail.follow(redirect("//b/"))
    trail.follow(redirect("//a/c"))
    assert trail.url.origin == (False, "a", 80)
    assert "Authorization" not in said(trail)
    assert HIDDEN not in said(trail)


@pytest.mark.parametrize("location", ["/y", "y", "?y", "//A:80/y", "ws://a/y", "http://a:/y"])
def test_the_same_origin_is_told_the_same(location: str) -> None:
    trail = Trail(plan(f"ws://u:{HIDDEN}@a/x", headers=[*SECRET_HEADERS[1:]], origin="null"))
    before = said(trail)
    trail.follow(redirect(location))
    assert said(trail).splitlines()[1:] == before.splitlines()[1:]


@pytest.mark.parametrize(
    ("location", "is_followed"), [("/b", True), ("//a:443/b", True), ("//b/", False)]
)
def test_a_name_to_verify_is_for_one_origin(location: str, is_followed: bool) -> None:
    trail = Trail(plan("wss://a/", route=Route(server_hostname="a.example")))
    if is_followed:
        trail.follow(redirect(location))
        assert trail.url.public == "wss://a/b"
    else:
        error = refused(trail, redirect(location))
        assert str(error).endswith(
            ": redirect needs another origin, which server_hostname is not for"
        )


@pytest.mark.parametrize(
    ("name", "location", "text"),
    [
        ("fingerprint", "//b/", "redirect needs another origin, which fingerprint is not for"),
        ("unix_path", "//b/", "redirect needs another origin, which unix_path is not for"),
        ("sock", "//b/", "redirect needs another origin, which sock is not for"),
        ("sock", "/b", "redirect needs a second connection, which sock is not for"),
    ],
)
def test_what_is_for_one_server_or_one_connection(name: str, location: str, text: str) -> None:
    route = Route(**{name: "given"})  # type: ignore[arg-type]
    error = refused(Trail(plan(route=route)), redirect(location))
    assert str(error) == f"server refused the upgrade: 302 Found: {text}"


def test_a_unix_path_leads_to_the_same_server_again() -> None:
    trail = Trail(plan(route=Route(unix_path="given")))
    trail.follow(redirect("/b"))
    assert trail.url.public == "ws://a/b"


def test_a_plan_is_good_for_more_than_one_trail() -> None:
    same = plan("ws://a/", headers=iter(SECRET_HEADERS))
    first, second = Trail(same), Trail(replace(same))
    first.follow(redirect("//b/"))
    assert HIDDEN not in said(first)
    assert HIDDEN in said(second)
    assert second.history == ()


@given(st.lists(st.text() | st.sampled_from([*OTHER_ORIGINS, "/a", "?b", "c/../d"]), max_size=12))
def test_any_chain_ends_without_a_secret_elsewhere(chain: list[str]) -> None:
    trail = Trail(plan("ws://a/", auth=(HIDDEN, HIDDEN), headers={"Cookie": HIDDEN}))
    for location in chain:
        try:
            trail.follow(redirect(location.encode().decode("latin-1")))
        except (HandshakeError, UnicodeError):
            break
        changed = any(not response.url.startswith("ws://a/") for response in trail.history)
        at_home = trail.url.origin == (False, "a", 80) and not changed
        assert (HIDDEN in said(trail)) is at_home
    assert len(trail.history) <= 10
