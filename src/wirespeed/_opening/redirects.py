"""Follows redirects: the next URL, and what may be sent there (RFC 9110 section 15.4).

Does no I/O. No error text quotes a Location, because it may hold a token.
"""

from __future__ import annotations

import dataclasses
from typing import Final

from .._base.response import Response, frozen_headers
from .._handshake.opening_handshake import REDIRECTS
from .._handshake.request import Ask, check_headers
from .._handshake.url import URL, parse_url, resolve
from .._network.route import Route
from ..exceptions import HandshakeError, InvalidURL, ProxyError
from .plan import Plan

# Headers that must not reach another server. Host names the server that was asked first.
_PRIVATE_HEADERS: Final = ("Authorization", "Cookie", "Proxy-Authorization", "Host")
# Options of a `Route` that are for one server only.
_PINNED_TO_ORIGIN: Final = ("server_hostname", "fingerprint", "unix_path", "sock")


class Trail:
    """The redirects from the URL of a plan to the server that accepts the opening handshake.

    Attributes:
        url: the URL to ask next.
        ask: what to send there; without secrets once the origin has changed.
        history: the redirects so far, oldest first.
        follows: whether redirects are followed at all.
    """

    def __init__(self, plan: Plan) -> None:
        """Start at the URL of `plan`.

        Raises:
            TypeError, ValueError: the URL cannot be used.
        """
        self.url = parse_url(plan.url)
        self.ask = plan.ask
        self.history: tuple[Response, ...] = ()
        self.follows = plan.max_redirects > 0
        self._limit = plan.max_redirects
        self._route = plan.route

    def follow(self, refusal: HandshakeError) -> None:
        """Go on to the URL that `refusal` redirects to.

        Raises:
            HandshakeError: it is not a redirect, or cannot be followed; has the history.
        """
        refusal.history = self.history
        # Only the server may redirect us: a proxy could send us to any host it likes.
        is_redirect = refusal.status in REDIRECTS and not isinstance(refusal, ProxyError)
        if not self.follows or not is_redirect:
            raise refusal
        try:
            url = self._next_url(refusal)
        except (InvalidURL, _CannotFollow) as exc:
            remark = "header Location is invalid: " if isinstance(exc, InvalidURL) else ""
            raise HandshakeError(
                f"{refusal}: {remark}{exc}",
                status=refusal.status,
                reason=refusal.reason,
                headers=refusal.headers,
                body=refusal.body,
                history=self.history,
            ) from None
        self.history += (_response(refusal, self.url),)
        if url.origin == self.url.origin:
            # The user name and password of the URL are for this server.
            url = dataclasses.replace(url, userinfo=self.url.userinfo)
        else:
            self.ask = _without_secrets(self.ask)
        self.url = url

    def _next_url(self, refusal: HandshakeError) -> URL:
        if len(self.history) == self._limit:
            raise _CannotFollow(f"over {self._limit} redirects, which is the limit (max_redirects)")
        url = resolve(self.url, _location(refusal))
        if url.public in {self.url.public, *(response.url for response in self.history)}:
            raise _CannotFollow(
                f"redirect loop: redirect {len(self.history) + 1} leads to a url that was asked"
                " already (RFC 9110 section 15.4)"
            )
        if self.url.secure and not url.secure:
            raise _CannotFollow("redirect from wss to ws, which would end the encryption")
        fault = _route_fault(self._route, is_same=url.origin == self.url.origin)
        if fault:
            raise _CannotFollow(fault)
        return url


class _CannotFollow(Exception):
    """The redirect cannot or must not be followed."""


def _location(refusal: HandshakeError) -> str:
    """Return the reference in the header Location, decoded as UTF-8."""
    location = refusal.headers.get("Location", "").strip(" \t")
    if not location:
        raise _CannotFollow("redirect without the header Location (RFC 9110 section 10.2.2)")
    try:
        return location.encode("latin-1").decode()
    except UnicodeError:
        raise _CannotFollow("header Location is not UTF-8 (RFC 3986 section 2.5)") from None


def _route_fault(route: Route, *, is_same: bool) -> str | None:
    """Return why the route cannot reach the redirect's target; `None` if it can.

    Args:
        route: the options for reaching the server.
        is_same: whether the target has the same origin.
    """
    pinned = [name for name in _PINNED_TO_ORIGIN if getattr(route, name, None) is not None]
    if is_same:
        # A socket serves one connection; the other options reach the same server again.
        pinned = [name for name in pinned if name == "sock"]
    if not pinned:
        return None
    where = "a second connection" if is_same else "another origin"
    return f"redirect needs {where}, which {pinned[0]} is not for"


def _response(refusal: HandshakeError, url: URL) -> Response:
    headers = frozen_headers(refusal.headers.items())
    return Response(refusal.status or 0, refusal.reason, headers, url.public)


def _without_secrets(ask: Ask) -> Ask:
    headers = check_headers(ask.headers)
    for name in _PRIVATE_HEADERS:
        headers.popall(name, None)
    return dataclasses.replace(ask, headers=headers, cookies=None, auth=None)
