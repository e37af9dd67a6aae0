"""Builds a CONNECT request and reads the HTTP proxy's response (RFC 9110 section 9.3.6).

Does no I/O. No error text quotes what could be a secret. The error texts of h11 quote whole header
lines, so they are never passed on.
"""

from __future__ import annotations

from typing import Final

import h11

from .._handshake.opening_handshake import MAX_BODY_BYTES, MAX_INTERIM_RESPONSES
from .._handshake.request import DEFAULT_USER_AGENT, basic_credentials
from .._handshake.response_checks import QUOTED_CHARACTERS
from .._handshake.response_head import MAX_HEAD_BYTES, decode_headers
from .._handshake.url import URL
from ..exceptions import ProxyError
from .proxy_url import Proxy

_HTTP_START: Final = b"HTTP/"
_LAST_CHUNK: Final = b"0\r\n\r\n"


class Tunnel:
    """One CONNECT request and its response.

    Feed `receive_data` until it returns `True`, then call `check`. Only `check` raises.
    """

    def __init__(self, proxy: Proxy, url: URL) -> None:
        """Prepare the request.

        Args:
            proxy: the proxy to ask; its user name and password become Proxy-Authorization.
            url: the URL whose host the proxy is to connect to.
        """
        host = url.host_at_proxy
        target = f"[{host}]:{url.port}" if ":" in host else f"{host}:{url.port}"
        headers = [("Host", target), ("User-Agent", DEFAULT_USER_AGENT)]
        if proxy.userinfo is not None:
            headers.append(("Proxy-Authorization", basic_credentials(proxy.userinfo)))
        self._connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=MAX_HEAD_BYTES)
        self._request = self._connection.send(
            h11.Request(method="CONNECT", target=target, headers=headers)
        )
        self._connection.send(h11.EndOfMessage())
        self._start = b""
        self._interim_responses = 0
        self._response: h11.Response | None = None
        self._body = bytearray()
        # What is left of an empty body in chunks. A 2xx response to CONNECT must not have one, but
        # some proxies send it.
        self._last_chunk = b""
        self._fault: str | None = None
        self._done = False

    def request(self) -> bytes:
        """Return the request to send."""
        return self._request or b""

    def receive_data(self, data: bytes) -> bool:
        """Take bytes from the proxy; `b""` is the end of the stream.

        Returns:
            `True` once the outcome is known.
        """
        if self._is_open():
            if self._fault is None:
                self._take_rest(data)
            self._done = self._done or not data
            return self._done
        if self._done:
            return True
        if self._response is None:
            self._start += data[: len(_HTTP_START) - len(self._start)]
            if not _HTTP_START.startswith(self._start):
                self._fail("proxy did not answer in HTTP (RFC 9112 section 4)")
            elif not data:
                self._fail("proxy closed the connection without a response to CONNECT")
        if not self._done:
            self._advance(data)
        return self._done

    def refused(self) -> bool:
        """Return whether the proxy has refused, and the body of its response is incomplete."""
        return self._response is not None and not self._done and not self._is_open()

    def may_go_on(self) -> bool:
        """Return whether the tunnel is open, and an empty body may still follow the head."""
        is_good = self._is_open() and self._fault is None
        return is_good and len(self._last_chunk) == len(_LAST_CHUNK)

    def is_answered(self) -> bool:
        """Return whether the head of the proxy's response has arrived."""
        return self._response is not None

    def check(self) -> None:
        """Return if the tunnel is open.

        Raises:
            ProxyError: it is not; holds what has arrived of the proxy's response.
        """
        if self._done and self._fault is None:
            return
        response = self._response
        if response is None:
            raise ProxyError(self._fault or "no response to CONNECT arrived from the proxy")
        raise ProxyError(
            self._fault or _refusal(response),
            status=response.status_code,
            reason=_reason(response),
            headers=decode_headers(response),
            body=bytes(self._body),
        )

    def _advance(self, data: bytes) -> None:
        try:
            self._connection.receive_data(data)
            while not (self._done or self._is_open()):
                event = self._connection.next_event()
                if event is h11.NEED_DATA:
                    return
                self._take(event)
        except h11.ProtocolError:
            fault = "proxy's response to CONNECT breaks the rules of HTTP/1.1 (RFC 9112)"
            # If only the body is broken, it is still a refusal.
            self._fail(fault if self._response is None else _refusal(self._response))

    def _take(self, event: object) -> None:
        if isinstance(event, h11.InformationalResponse):
            self._interim_responses += 1
            if self._interim_responses > MAX_INTERIM_RESPONSES:
                self._fail(
                    f"proxy sent more than {MAX_INTERIM_RESPONSES} interim responses"
                    " (RFC 9110 section 15.2)"
                )
        elif isinstance(event, h11.Response):
            self._response = event
            if self._is_open():
                coding = decode_headers(event).get("Transfer-Encoding", "")
                self._last_chunk = _LAST_CHUNK if coding.lower() == "chunked" else b""
                self._take_rest(self._connection.trailing_data[0])
        elif isinstance(event, h11.Data) and len(self._body) < MAX_BODY_BYTES:
            self._body += event.data[: MAX_BODY_BYTES - len(self._body)]
        elif self._response is not None:
            self._fail(_refusal(self._response))

    def _is_open(self) -> bool:
        return self._response is not None and 200 <= self._response.status_code < 300

    def _take_rest(self, data: bytes) -> None:
        """Take what follows the head of a 2xx response: nothing, or an empty body in chunks."""
        size = len(data)
        if data[: len(self._last_chunk)] == self._last_chunk[:size]:
            self._last_chunk, data = self._last_chunk[size:], data[len(self._last_chunk) :]
        # If it has begun, its rest is awaited.
        self._done = len(self._last_chunk) in {0, len(_LAST_CHUNK)}
        if data:
            self._fail(_unasked())

    def _fail(self, fault: str) -> None:
        self._fault = fault
        self._done = True


def _unasked() -> str:
    # The server sends nothing before it gets a request, which needs the open tunnel.
    return "proxy sent data behind its response to CONNECT (RFC 9110 section 9.3.6)"


def _reason(response: h11.Response) -> str:
    return bytes(response.reason).decode("latin-1")


def _refusal(response: h11.Response) -> str:
    reason = _reason(response)[:QUOTED_CHARACTERS]
    shown = reason if reason.isprintable() else repr(reason)
    return f"proxy refused to connect to the server: {response.status_code:03} {shown}".rstrip()
