"""From a URL to an open connection.

Must not know of frames. Public name: `connect`.
"""

from __future__ import annotations

import json
import os
import socket
import ssl as tls
from collections.abc import Callable, Generator, Hashable, Iterable, Sequence
from types import TracebackType
from typing import Any

from ._base.queue_rules import Overflow
from ._base.rfc6455 import DEFAULT_MAX_MESSAGE_BYTES
from ._handshake.permessage_deflate import CompressionLike
from ._handshake.request import DEFAULT_USER_AGENT, Ask, CookiesLike, HeadersLike
from ._handshake.subprotocol import ProtocolHandler
from ._handshake.url import URLLike
from ._network.route import Route, SocketOption
from ._network.tls import warn_unverified
from ._opening.attempt import Attempt, ComputeHeaders, ComputeUrl
from ._opening.plan import Plan
from ._opening.reconnect import Reconnect
from ._opening.reconnecting import Reconnecting
from .connection import Heartbeat, Message, WebSocketConnection

__all__ = ["Connecting", "connect"]


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
    reconnect: Reconnect | None = None,
) -> Connecting:
    """Open a WebSocket connection (RFC 6455 section 4.1).

    Use the result with `async with`, which closes the connection at the end of the
    block, or `await` it. Arguments are checked when it is awaited. Safe to cancel:
    nothing is left open.

    Or iterate over it with `async for`: that gives one open connection after the other, each when
    the one before is lost or was left; see `Reconnect`.

    Args:
        url: with the scheme ws, wss, http or https; a `str`, or a URL object such as `yarl.URL`.
            User name and password in it are sent as basic authentication. Or a function or
            coroutine function that returns it, called for each attempt; it has `open_timeout`
            seconds of its own.
        headers: to add to the request: a mapping, a multidict, or pairs. Or a function or coroutine
            function that returns them, as for `url`.
        cookies: to send in one Cookie header: a mapping of `str`, with values in printable ASCII
            without blanks, quotes, commas, semicolons and backslashes, or an
            `http.cookies.SimpleCookie` (RFC 6265 section 4.1.1).
        auth: user name and password for basic authentication, sent as UTF-8 (RFC 7617); `None`
            for those of the URL, if it has any.
        origin: the value of Origin (RFC 6454 section 7); `None` to send none.
        user_agent: the value of User-Agent; `None` to send none.
        subprotocols: to offer, in order of preference.
        protocol_handler: encodes and decodes for `send_protocol` and `receive_protocol`; its name
            is offered after `subprotocols`, unless it is among them.
        compression: "deflate" offers permessage-deflate (RFC 7692), a `Deflate` does so with
            settings, `None` offers none. `WebSocketConnection.compression` tells what was agreed.
        max_redirects: how many redirects with the status 301, 302, 303, 307 or 308 to follow; 0 to
            take the first as a refusal. Never from wss to ws. Another origin (security, host or
            port) is not told `auth`, `cookies`, the user name of the URL, and the headers
            Authorization, Cookie, Proxy-Authorization and Host. `response.history` tells the way.
        ssl: the TLS context for wss, perhaps one with a client certificate; `None` or `True` for
            a default one, which verifies certificates and host names. `False` verifies nothing,
            and warns of that (`RuntimeWarning`) unless there is a `fingerprint`.
        server_hostname: the name to ask for and to verify in TLS; `None` for the URL's host.
        fingerprint: the SHA-256 fingerprint of the only certificate that the server may have, 32
            bytes or hexadecimal digits, colons between them or not; `None` for any. Checked
            besides what `ssl` asks for, before anything is sent. With `ssl=False` it is how to
            trust a certificate that nobody else has signed.
        local_addr: the host and the port (0 for any) to connect from; `None` for any.
        family: `socket.AF_INET` or `socket.AF_INET6` to use only such addresses; 0 for both, which
            take turns every 250 ms until one of them answers (RFC 8305).
        socket_options: level, name and value of what to set on the socket before it is connected,
            as for `socket.setsockopt`. TCP_NODELAY is always set.
        sock: a connected stream socket to use instead of a new one. The connection takes it over
            as soon as this is awaited: it is of no more use to the caller, also when that fails.
            Not for `async for`, which would need another one for each connection.
        unix_path: the unix socket to connect to; the URL's host is still what is asked for.
        proxy: the URL of a proxy to go through: http, https (TLS with the proxy, too), socks4 and
            socks5 (the host's name is resolved here), socks4a and socks5h (the proxy resolves it);
            user name and password in it are for the proxy alone. SOCKS needs the extra `proxy`.
            `True` for that of the environment, by the rules of `urllib.request`: the first of
            ws_proxy, http_proxy, socks_proxy and all_proxy that is set (for wss the first of
            wss_proxy, https_proxy, socks_proxy and all_proxy), in upper case too, then the system's
            settings on macOS and Windows, and none for hosts in no_proxy. `None` for no proxy.
        proxy_ssl: the TLS context for a proxy with the scheme https; `None` for a default one, as
            for `ssl`.
        open_timeout: seconds for all of it: name lookup, TCP, proxy, TLS, the handshake and
            redirects; `None` for no limit.
        close_timeout: seconds for the closing handshake; `None` for no limit.
        ping_interval: seconds between two keep-alive Pings; `None` sends none.
        ping_timeout: seconds after a keep-alive Ping within which anything at all must arrive, or
            the connection is failed with code 1011; `None` never fails it. While reading
            is held back, because the queue is full, this clock stops.
        heartbeat: messages to send beside the Pings, for servers that ask for such; `None` for
            none.
        idle_timeout: seconds without a message (a Ping or Pong is none) after which the connection
            is failed with `IdleTimeout`, up to an eighth later; `None` for no limit. It
            stops while reading is held back.
        max_message_size: limit for one received message in bytes, inclusive; `None` for none. For
            a compressed message the bytes that it inflates to count. Those that
            `receive_stream` gives in chunks have no limit.
        max_queue: how many received messages may wait before `overflow` applies; `None` for no
            limit. One read of the socket may bring more before it is looked at.
        max_queue_bytes: the same in bytes (characters, for text); `None` for no limit. A part of a
            message that nobody waits for has this limit, too, and stops the reading.
        overflow: what happens when more wait. "pause" stops reading until half of it is taken;
            Pings are answered, and the end is seen, after that. The others never stop reading:
            "drop_oldest" and "drop_newest" drop messages, except one that is alone or that a
            receive was woken for; `dropped` counts them. "close" fails the connection with close
            code 1008, and receives raise `QueueOverflow` after the messages that wait.
        conflate: gives the key of a message: one that waits is replaced, in its place, by a newer
            one of the same key. `None` as the key leaves a message alone. What this
            raises is told to the event loop's exception handler, and the message is left alone.
        on_drop: called with each message that is dropped or replaced; what it raises
            is told to the event loop's exception handler.
        text_queue_maxsize: this or `binary_queue_maxsize` makes text and binary messages wait in
            two lanes: `receive_text` and `receive_bytes` then wait for their type alone, and
            all other receives take both in the order of arrival. It is the lane's `max_queue`;
            `None` for `max_queue` itself, `max_queue_bytes` is for each lane. With
            "pause" a full lane stops the reading for both: it is one stream.
        binary_queue_maxsize: the same for binary messages.
        batch_window: the delay in seconds that the consumer can bear, 0 for none. Where many small
            messages arrive one by one, most of their cost is that of reading the socket:
            it is then read once in such a window, and what has gathered is received at once. Pings
            are answered, and the end of the connection is seen, as late as that.
        write_buffer_size: how many bytes may wait in the transport before a send waits for room;
            `None` for the transport's default, 64 KiB.
        decode_text: `False` receives text as `bytes` that are valid UTF-8, for decoders that take
            those, such as `orjson.loads`; `receive` still tells text from binary.
        timestamps: `True` gives each `Message` the time of the socket read that had the last of
            it, `received_at`. Receives that give the data alone pay for it, and do not tell it.
        loads: decodes a message for `receive_json`.
        dumps: encodes a value for `send_json`, to `str` or UTF-8 bytes.
        create_connection: makes the connection, a subclass of `WebSocketConnection` for example.
        reconnect: how `async for` connects again; `None` for the defaults of `Reconnect`. `await`
            and `async with` open one connection, and do not use it.

    Raises:
        InvalidURL: the URL, or that of the proxy, cannot be used.
        HandshakeError: the server refused, answered something else, or redirects to where
            it cannot be followed.
        ProxyError: the proxy could not be reached, or refused to connect to the server.
        OpenTimeout: the connection was not open in time; its `phase` tells what took so long.
        CertificateMismatch: the server's certificate does not have the `fingerprint`.
        OSError, ssl.SSLError: the host could not be found, reached or verified.
        ImportError: a SOCKS proxy is to be used, and `python-socks` is not installed.
    """
    warn_unverified(ssl, fingerprint, stacklevel=2)
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
        reconnect=reconnect,
    )


class Connecting:
    """A connection about to be opened: what `connect` returns. Await, enter or iterate over it."""

    def __init__(
        self,
        plan: Plan,
        *,
        compute_url: ComputeUrl | None,
        compute_headers: ComputeHeaders | None,
        reconnect: Reconnect | None,
    ) -> None:
        self._attempt = Attempt(plan=plan, compute_url=compute_url, compute_headers=compute_headers)
        self._reconnect = reconnect
        self._connection: WebSocketConnection | None = None

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
        reconnect = Reconnect() if self._reconnect is None else self._reconnect
        if not isinstance(reconnect, Reconnect):
            raise TypeError(f"reconnect must be Reconnect or None, not {type(reconnect).__name__}")
        if self._attempt.plan.route.sock is not None:
            raise ValueError("sock is for one connection, async for opens one after the other")
        return Reconnecting(self._attempt, reconnect)
