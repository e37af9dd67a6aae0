"""Opens connections. Public names: `connect`, and `Connecting`, which it returns."""

from __future__ import annotations

import json
import os
import socket
import ssl as tls
from collections.abc import Callable, Generator, Hashable, Iterable, Sequence
from dataclasses import replace
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, NoReturn

from ._base.foreign_names import ATTRIBUTES, name_own_arguments
from ._base.queue_rules import Overflow
from ._base.rfc6455 import DEFAULT_MAX_MESSAGE_BYTES
from ._handshake.permessage_deflate import CompressionLike
from ._handshake.request import DEFAULT_USER_AGENT, Ask, CookiesLike, HeadersLike
from ._handshake.subprotocol import ProtocolHandler
from ._handshake.url import URLLike
from ._network.route import Resolve, Route, SocketOption
from ._network.tls import warn_unverified
from ._opening.attempt import Attempt, ComputeHeaders, ComputeUrl
from ._opening.plan import Plan
from ._opening.reconnect import Reconnect
from ._opening.reconnecting import Reconnecting
from .connection import Heartbeat, Message, WebSocketConnection

__all__ = ["Connecting", "connect"]


@name_own_arguments
def connect(
    url: URLLike | ComputeUrl,
    *,
    headers: HeadersLike | ComputeHeaders | None = None,
    cookies: CookiesLike | None = None,
    auth: tuple[str, str] | None = None,
    origin: str | None = None,
    user_agent: str | None = DEFAULT_USER_AGENT,
    subprotocols: Sequence[str] | None = None,
    protocol_handler: ProtocolHandler | None = None,
    compression: CompressionLike = None,
    max_redirects: int = 10,
    ssl: tls.SSLContext | bool | None = None,
    server_hostname: str | None = None,
    fingerprint: bytes | str | None = None,
    local_addr: tuple[str, int] | None = None,
    family: int = 0,
    socket_options: Iterable[SocketOption] = (),
    sock: socket.socket | None = None,
    unix_path: str | bytes | os.PathLike[str] | None = None,
    proxy: str | bool | None = None,
    proxy_ssl: tls.SSLContext | None = None,
    open_timeout: float | None = 10.0,
    close_timeout: float | None = 10.0,
    ping_interval: float | None = 20.0,
    ping_timeout: float | None = 20.0,
    heartbeat: Heartbeat | None = None,
    idle_timeout: float | None = None,
    max_message_size: int | None = DEFAULT_MAX_MESSAGE_BYTES,
    max_queue: int | None = 4096,
    max_queue_bytes: int | None = DEFAULT_MAX_MESSAGE_BYTES,
    overflow: Overflow = "pause",
    conflate: Callable[[Message], Hashable] | None = None,
    on_drop: Callable[[Message], object] | None = None,
    text_queue_maxsize: int | None = None,
    binary_queue_maxsize: int | None = None,
    batch_window: float = 0.0,
    write_buffer_size: int | None = None,
    decode_text: bool = True,
    timestamps: bool = False,
    loads: Callable[[Any], Any] = json.loads,
    dumps: Callable[[Any], str | bytes] = json.dumps,
    create_connection: Callable[..., WebSocketConnection] = WebSocketConnection,
    reconnect: Reconnect | Literal[True] | None = None,
) -> Connecting:
    """Open a WebSocket connection (RFC 6455 section 4.1).

    Use the result with `async with`, which closes the connection at the end of the block, or
    `await` it. Most arguments are checked when it is awaited. Safe to cancel: nothing is left
    open.

    Or iterate over it with `async for`: each step returns a new open connection, and closes the
    one before if it is still open; see `Reconnect`.

    Args:
        url: the URL, with the scheme ws, wss, http or https: a `str`, or a URL object such as
            `yarl.URL`. A user name and password in it are sent as basic authentication. Or a
            function or coroutine function that returns the URL; it is called for each attempt, and
            a coroutine function has `open_timeout` seconds to finish.
        headers: headers to add to the request: a mapping, a multidict, or pairs. Or a function or
            coroutine function that returns them, as for `url`.
        cookies: cookies to send in one Cookie header: an `http.cookies.SimpleCookie`, or a mapping
            of `str`, with values in printable ASCII without blanks, quotes, commas, semicolons and
            backslashes (RFC 6265 section 4.1.1).
        auth: user name and password for basic authentication, sent as UTF-8 (RFC 7617); `None`
            to use those in the URL, if any.
        origin: the value of the header Origin (RFC 6454 section 7); `None` to send no Origin.
        user_agent: the value of the header User-Agent; `None` to send no User-Agent.
        subprotocols: the subprotocols to offer, in order of preference.
        protocol_handler: encodes and decodes for `send_protocol` and `receive_protocol`. Its name
            is offered after `subprotocols`, unless it is one of them.
        compression: "deflate" offers permessage-deflate (RFC 7692), a `Deflate` offers it with
            settings, and `None` offers no compression. `WebSocketConnection.compression` is what
            was agreed on.
        max_redirects: how many redirects (status 301, 302, 303, 307 or 308) to follow; with 0 a
            redirect raises `HandshakeError`. A redirect from wss to ws is never followed. Another
            origin (security, host or port) does not receive `auth`, `cookies`, the user name in the
            URL, or the headers Authorization, Cookie, Proxy-Authorization and Host.
            `response.history` has the redirects.
        ssl: the TLS context for wss, for example one with a client certificate. `None` or `True`
            for a default context, which verifies certificates and host names. `False` verifies
            nothing, and emits a `RuntimeWarning` unless there is a `fingerprint`.
        server_hostname: the name to ask for and to verify in TLS; `None` for the URL's host.
        fingerprint: the SHA-256 fingerprint of the only certificate to accept: 32 bytes, or
            hexadecimal digits with or without colons; `None` for any certificate. It is checked
            before anything is sent, in addition to the checks of `ssl`. With `ssl=False`, this is
            how to accept a self-signed certificate.
        local_addr: the host and the port (0 for any) to connect from; `None` for any.
        family: `socket.AF_INET` or `socket.AF_INET6` to use only such addresses. 0 for both, which
            alternate every 250 ms until one of them answers (RFC 8305).
        socket_options: options to set on the socket before it is connected: tuples of level, name
            and value, as for `socket.setsockopt`. TCP_NODELAY is always set.
        sock: a connected stream socket to use instead of a new one. The connection takes it over
            when the result is awaited. Do not use the socket after that, even if opening fails.
            Not for `async for`, which would need a new socket for each connection.
        unix_path: the unix socket to connect to. The request still names the URL's host.
        proxy: the URL of a proxy to connect through. The schemes are http, https (with TLS to the
            proxy too), socks4 and socks5 (the host's name is resolved here), and socks4a and
            socks5h (the proxy resolves it). A user name and password in this URL are sent to the
            proxy only. SOCKS needs the extra `proxy`. `True` for the proxy of the environment, by
            the rules of `urllib.request`: the first that is set of ws_proxy, http_proxy,
            socks_proxy and all_proxy (for wss: of wss_proxy, https_proxy, socks_proxy and
            all_proxy), in upper case too; then the system's settings on macOS and Windows; no proxy
            for hosts in no_proxy. `None` for no proxy.
        proxy_ssl: the TLS context for a proxy with the scheme https; `None` for a default context,
            as for `ssl`.
        open_timeout: seconds for the whole opening: name lookup, TCP, proxy, TLS, the opening
            handshake and redirects; `None` for no limit.
        close_timeout: seconds for the closing handshake; `None` for no limit. While data that was
            sent before is still leaving over a slow link, at least 1 KiB a second, they start anew.
        ping_interval: seconds between two keep-alive Pings; `None` sends no such Pings.
        ping_timeout: seconds after a keep-alive Ping within which at least one byte must arrive, or
            the connection is failed with code 1011; `None` never fails it. The seconds count from
            the moment when the Ping has left: data before it that leaves slowly is a sign of life.
            While the queue is full, nothing is read. Then no Pings are sent and the clock stops.
        heartbeat: messages to send in addition to Pings, for servers that expect them; `None` for
            no such messages.
        idle_timeout: seconds without a message after which the connection is failed with
            `IdleTimeout`, up to an eighth of that time later; `None` for no limit. A Ping or Pong
            does not count as a message. The clock stops while reading is paused.
        max_message_size: the largest size of a received message in bytes, inclusive; `None` for no
            limit. A compressed message counts with its size after inflating. A message that
            `receive_stream` returns in chunks has no limit.
        max_queue: how many received messages may wait before `overflow` applies; `None` for no
            limit. One read of the socket may exceed this before it is checked.
        max_queue_bytes: the same in bytes (characters, for text); `None` for no limit. Reading
            also pauses, whatever `overflow` is, when more bytes wait in chunks for
            `receive_stream`, or have arrived of a message that no task waits for. With
            "drop_oldest" and "drop_newest", only `max_message_size` limits the latter, if set.
        overflow: what happens when more messages wait. "pause" stops reading until the queue is
            half empty. Until then Pings are not answered, and the end of the connection is not
            noticed. The other values do not stop reading. "drop_oldest" and "drop_newest" drop
            messages, but not one that a receive was woken for, nor the only one in the queue
            because of its size; `dropped` counts them. "close" fails the connection with close code
            1008, and receives raise `QueueOverflow` after the queued messages.
        conflate: a function that returns the key of a message. A newer message replaces a queued
            one with the same key, in its place. A message whose key is `None` neither replaces nor
            is replaced. The same is true if the function raises; the error goes to the event
            loop's exception handler.
        on_drop: called with each message that is dropped or replaced. An exception that it raises
            goes to the event loop's exception handler.
        text_queue_maxsize: the `max_queue` of text messages; `None` for `max_queue` itself. If
            this or `binary_queue_maxsize` is set, text and binary messages wait in two lanes.
            `receive_text` and `receive_json` then take only text, and `receive_bytes` and
            `receive_protocol` only binary messages; all other receives take both, in the order of
            arrival. `max_queue_bytes` applies to each lane. With "pause", a full lane stops reading
            for both lanes, because they share one stream.
        binary_queue_maxsize: the same for binary messages.
        batch_window: the delay in seconds that the program can accept, 0 for none. When many small
            messages arrive one by one, most of their cost is reading the socket. With a window,
            the socket is read once per window, and the messages that have gathered are received at
            once. Answers to Pings and the end of the connection are delayed as long.
        write_buffer_size: how many bytes may wait in the transport before a send waits for room;
            `None` for the transport's default, 64 KiB.
        decode_text: `False` to receive text as `bytes` that are valid UTF-8, for decoders that
            accept them, such as `orjson.loads`. `receive` still distinguishes text from binary.
        timestamps: `True` to set `Message.received_at`, the time of the socket read that completed
            the message. Receives that return only the data take longer too, but do not return it.
        loads: decodes a message for `receive_json`.
        dumps: encodes a value for `send_json`, to `str` or UTF-8 bytes.
        create_connection: makes the connection; for example a subclass of `WebSocketConnection`.
        reconnect: how `async for` connects again; `None` and `True` for the defaults of
            `Reconnect`. `await` and `async with` open one connection and ignore this.

    Raises:
        InvalidURL: the URL, or that of the proxy, cannot be used.
        HandshakeError: the server refused, sent an invalid response, or redirected to a URL that
            cannot be followed.
        ProxyError: the proxy could not be reached, or refused to connect to the server.
        OpenTimeout: the connection was not open in time; `phase` is the phase that took too long.
        TLSError: TLS could not be started; it is an `ssl.SSLError` too. It is a `CertificateError`
            if the server's certificate could not be verified, and an `InvalidTLSContext` if `ssl`
            is of no use to a client.
        CertificateMismatch: the server's certificate does not have the `fingerprint`.
        OSError: the host could not be found or reached.
        ImportError: `proxy` is a SOCKS proxy, and `python-socks` is not installed.
    """
    warn_unverified(ssl, fingerprint, stacklevel=3)
    return Connecting(
        Plan(
            url="" if callable(url) else url,
            ask=Ask(
                headers=None if callable(headers) else headers,
                subprotocols=subprotocols,
                protocol_handler=protocol_handler,
                cookies=cookies,
                origin=origin,
                user_agent=user_agent,
                auth=auth,
                compression=compression,
            ),
            max_redirects=max_redirects,
            route=Route(
                ssl=ssl,
                server_hostname=server_hostname,
                fingerprint=fingerprint,
                local_addr=local_addr,
                family=family,
                socket_options=tuple(socket_options),
                sock=sock,
                unix_path=unix_path,
                proxy=proxy,
                proxy_ssl=proxy_ssl,
            ),
            open_timeout=open_timeout,
            create_connection=create_connection,
            options={
                "close_timeout": close_timeout,
                "ping_interval": ping_interval,
                "ping_timeout": ping_timeout,
                "heartbeat": heartbeat,
                "idle_timeout": idle_timeout,
                "max_message_size": max_message_size,
                "max_queue": max_queue,
                "max_queue_bytes": max_queue_bytes,
                "overflow": overflow,
                "conflate": conflate,
                "on_drop": on_drop,
                "text_queue_maxsize": text_queue_maxsize,
                "binary_queue_maxsize": binary_queue_maxsize,
                "batch_window": batch_window,
                "write_buffer_size": write_buffer_size,
                "decode_text": decode_text,
                "timestamps": timestamps,
                "protocol_handler": protocol_handler,
                "loads": loads,
                "dumps": dumps,
            },
        ),
        compute_url=url if callable(url) else None,
        compute_headers=headers if callable(headers) else None,
        reconnect=_policy(reconnect),
    )


def _policy(reconnect: Reconnect | Literal[True] | None) -> Reconnect:
    if isinstance(reconnect, Reconnect):
        return reconnect
    if reconnect is None or reconnect is True:
        return Reconnect()
    given = "False" if reconnect is False else type(reconnect).__name__
    raise TypeError(f"reconnect must be a Reconnect, True or None, not {given}")


class Connecting:
    """The result of `connect`: await it, or use it with `async with` or `async for`."""

    def __init__(
        self,
        plan: Plan,
        *,
        compute_url: ComputeUrl | None,
        compute_headers: ComputeHeaders | None,
        reconnect: Reconnect,
    ) -> None:
        self._attempt = Attempt(plan=plan, compute_url=compute_url, compute_headers=compute_headers)
        self._reconnect = reconnect
        self._connection: WebSocketConnection | None = None

    def _like_aiohttp(self, resolve: Resolve | None) -> Connecting:
        """Open as aiohttp does where `connect` is strict or has no argument; return self.

        A subprotocol that was not offered counts as none; RFC 6455 section 4.1 wants such a
        connection to fail. Settings for TLS have no effect on a URL without TLS.

        Args:
            resolve: finds the addresses of a host; `None` for the event loop's way.
        """
        plan = self._attempt.plan
        plan = replace(
            plan,
            ask=replace(plan.ask, takes_any_subprotocol=True),
            route=replace(plan.route, resolve=resolve, is_tls_optional=True),
        )
        self._attempt = replace(self._attempt, plan=plan)
        return self

    if not TYPE_CHECKING:
        # Type checkers would take every attribute for one that exists.
        def __getattr__(self, name: str) -> NoReturn:
            hint = ""
            if name in ATTRIBUTES or (name[:1] != "_" and hasattr(WebSocketConnection, name)):
                hint = (
                    "; the connection comes from `await connect(...)` or `async with connect(...)`"
                )
            text = f"{type(self).__name__!r} object has no attribute {name!r}{hint}"
            raise AttributeError(text, name=name, obj=self)

    def __await__(self) -> Generator[Any, None, WebSocketConnection]:
        return self._attempt.open().__await__()

    async def __aenter__(self) -> WebSocketConnection:
        self._connection = await self._attempt.open()
        return self._connection

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._connection is not None:
            await self._connection.__aexit__(exc_type, exc, traceback)

    def __aiter__(self) -> Reconnecting:
        if self._attempt.plan.route.sock is not None:
            raise ValueError("sock is for one connection, async for opens one after the other")
        return Reconnecting(self._attempt, self._reconnect)
