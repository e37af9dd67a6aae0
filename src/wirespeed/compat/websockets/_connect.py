"""`connect`: opens connections with the parameters of `websockets`, and opens them again."""

from __future__ import annotations

import asyncio
import logging
import os
import traceback as tracebacks
import urllib.parse
from collections.abc import AsyncIterator, Callable, Generator, Iterator, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final

from ...client import connect as open_connection
from . import _types as theirs
from ._connection import ClientConnection
from ._errors import make_response, opening_error
from ._options import (
    USER_AGENT,
    check_keywords,
    check_subprotocols,
    chosen_proxy,
    connection_options,
    header_pairs,
    offered_extensions,
    place_of,
    request_options,
    route_options,
    time_limit,
)
from ._own.client import backoff, process_exception
from ._protocol import ClientProtocol
from ._real import MAJOR

if TYPE_CHECKING:
    from ._own.datastructures import HeadersLike
    from ._own.typing import PathLike

__all__ = ["connect", "unix_connect"]

MAX_REDIRECTS: Final = int(os.environ.get("WEBSOCKETS_MAX_REDIRECTS", "10"))

_REDIRECTS: Final = frozenset({300, 301, 302, 303, 307, 308})
# Another origin does not get these.
_CREDENTIALS: Final = frozenset({"authorization", "cookie", "proxy-authorization"})
# Before release 15, `websockets` had no proxies. Before 17, leaving `async with` by an exception
# closed with 1000, and one `connect` could be entered twice.
_DEFAULT_PROXY: Final = True if MAJOR >= 15 else None
_MINDS_EXCEPTIONS: Final = MAJOR >= 17


class connect:  # noqa: N801
    """Open a WebSocket: `await` it, enter it with `async with`, or iterate to open it again.

    Iterating returns one connection after the other. It closes each at the end of the step, and
    waits before it tries again after an error for which `process_exception` returns `None`.

    Args:
        uri: the URI, with the scheme ws or wss.
        origin: the value of the header Origin.
        extensions: extensions to offer; only permessage-deflate can be offered.
        subprotocols: subprotocols to offer, in order of preference.
        compression: "deflate" to offer permessage-deflate, `None` for no compression.
        additional_headers: headers to add to the request.
        user_agent_header: the value of the header User-Agent, unless `additional_headers` has one;
            `None` for no such header.
        proxy: the URL of a proxy; `True` for the proxy of the environment; `None` for no proxy.
        process_exception: returns `None` for an error after which iterating tries again, else the
            error to raise.
        open_timeout: seconds for the whole opening; `None` for no limit.
        ping_interval: seconds between two keep-alive Pings; `None` for no such Pings.
        ping_timeout: seconds after a Ping within which at least one byte must arrive; `None` for no
            limit.
        close_timeout: seconds for the closing handshake; `None` for no limit.
        reconnect_delays: returns an iterator over the seconds to wait before each attempt.
        max_size: the largest size of a received message in bytes; `None` for no limit. Or a pair,
            of which only the first counts.
        max_queue: how many received frames may wait before reading pauses; `None` for no limit. Or
            a pair, of which only the first counts.
        write_limit: how many bytes may wait in the transport before `send` waits. Or a pair, of
            which only the first counts.
        logger: the logger of the connections; `None` for "websockets.client".
        create_connection: makes the connection: `ClientConnection`, a subclass, or a function.
        kwargs: `sock`, `ssl`, `server_hostname`, `host`, `port`, `local_addr`, `family`,
            `proxy_ssl`. Other parameters of `loop.create_connection` have no effect.

    Raises:
        InvalidURI: the URI cannot be used.
        InvalidProxy: the proxy cannot be used.
        InvalidHandshake: the server refused, or the opening handshake failed.
        OSError: the server could not be reached.
        TimeoutError: the connection was not open in time.
    """

    def __init__(
        self,
        uri: str,
        *,
        origin: str | None = None,
        extensions: Sequence[Any] | None = None,
        subprotocols: Sequence[str] | None = None,
        compression: str | None = "deflate",
        additional_headers: HeadersLike | None = None,
        user_agent_header: str | None = USER_AGENT,
        proxy: str | bool | None = _DEFAULT_PROXY,
        process_exception: Callable[[Exception], Exception | None] = process_exception,
        open_timeout: float | None = 10,
        ping_interval: float | None = 20,
        ping_timeout: float | None = 20,
        close_timeout: float | None = 10,
        reconnect_delays: Callable[[], Iterator[float]] = backoff,
        max_size: int | tuple[int | None, int | None] | None = 2**20,
        max_queue: int | tuple[int | None, int | None] | None = 16,
        write_limit: int | tuple[int, int | None] = 2**15,
        logger: Any = None,
        create_connection: Callable[..., ClientConnection] | None = None,
        **kwargs: Any,
    ) -> None:
        self.uri = uri
        self.ws_uri = theirs.parse_uri(uri)
        check_keywords(kwargs, self.ws_uri)
        check_subprotocols(subprotocols)
        self.additional_headers: Any = additional_headers
        self.user_agent_header = user_agent_header
        self.proxy = proxy
        self.process_exception = process_exception
        self.open_timeout = open_timeout
        self.reconnect_delays = reconnect_delays
        self.logger = logging.getLogger("websockets.client") if logger is None else logger
        self.create_connection_kwargs = kwargs
        self.connection: ClientConnection
        make = ClientConnection if create_connection is None else create_connection
        offered = offered_extensions(extensions, compression)

        def factory(uri: theirs.WebSocketURI) -> ClientConnection:
            protocol = ClientProtocol(
                uri,
                origin=origin,
                extensions=offered,
                subprotocols=subprotocols,
                max_size=max_size,
                logger=self.logger,
            )
            return make(
                protocol,
                ping_interval=ping_interval,
                ping_timeout=ping_timeout,
                close_timeout=close_timeout,
                max_queue=max_queue,
                write_limit=write_limit,
            )

        self.factory = factory

    # -- opening -----------------------------------------------------------------------

    async def connect(self) -> ClientConnection:
        """Open a connection, and follow redirects; safe to cancel."""
        loop = asyncio.get_running_loop()
        when = None if self.open_timeout is None else loop.time() + self.open_timeout
        for _ in range(MAX_REDIRECTS):
            seconds = None if when is None else max(when - loop.time(), 0.0)
            try:
                return await self._open(self.factory(self.ws_uri), seconds)
            except theirs.InvalidHandshake as exc:
                target = self.process_redirect(exc)
                if target is exc:
                    raise
                if isinstance(target, Exception):
                    raise target from exc
                self.uri = target
                self.ws_uri = theirs.parse_uri(target)
        raise theirs.SecurityError(f"more than {MAX_REDIRECTS} redirects")

    async def _open(self, connection: ClientConnection, seconds: float | None) -> ClientConnection:
        """Open a connection without following a redirect."""
        uri, kwargs = self.ws_uri, self.create_connection_kwargs
        asked = request_options(
            uri,
            self.additional_headers,
            user_agent=self.user_agent_header,
            origin=connection.protocol.origin,
            subprotocols=connection.protocol.available_subprotocols,
        )
        options = connection_options(connection) | route_options(kwargs, uri) | asked
        try:
            inner = await open_connection(
                place_of(uri, kwargs),
                max_redirects=0,
                open_timeout=time_limit(seconds),
                proxy=chosen_proxy(self.proxy, uri, kwargs),
                create_connection=connection.begin,
                **options,
            )
        except Exception as exc:
            error = opening_error(exc, self.uri)
            if error is exc:
                raise
            if isinstance(error, theirs.InvalidStatus):
                # It has no cause there, and programs that print causes would show ours.
                raise error from None
            # An error of the operating system may be what caused `exc`.
            cause = None if error is exc.__cause__ else exc
            raise error from error.__cause__ or cause
        connection.request = _request(uri, asked)
        answer = inner.response
        connection.response = make_response(answer.status, answer.reason, answer.headers)
        connection.attach(inner)
        return connection

    def process_redirect(self, exc: Exception) -> Exception | str:
        """Return the URI that a refusal redirects to, or else the error to raise."""
        if not isinstance(exc, theirs.InvalidStatus):
            return exc
        response = exc.response
        if response.status_code not in _REDIRECTS or "Location" not in response.headers:
            return exc
        target: str = urllib.parse.urljoin(self.uri, response.headers["Location"])
        old, new = self.ws_uri, theirs.parse_uri(target)
        if self.create_connection_kwargs.get("sock") is not None:
            return ValueError(f"cannot follow redirect to {target} with a preexisting socket")
        if old.secure and not new.secure:
            return theirs.SecurityError(f"cannot follow redirect to non-secure URI {target}")
        if (old.secure, old.host, old.port) == (new.secure, new.host, new.port):
            return target
        return self._leave_origin(target)

    def _leave_origin(self, target: str) -> Exception | str:
        """Return `target`, which is of another origin, after dropping the credentials."""
        kwargs = self.create_connection_kwargs
        obstacle = None
        if kwargs.get("unix"):
            obstacle = "a Unix socket"
        elif kwargs.get("host") is not None or kwargs.get("port") is not None:
            obstacle = "an explicit host or port"
        if obstacle is not None:
            return ValueError(f"cannot follow cross-origin redirect to {target} with {obstacle}")
        if self.additional_headers is not None:
            pairs: Any = [
                (name, value)
                for name, value in header_pairs(self.additional_headers)
                if name.lower() not in _CREDENTIALS
            ]
            self.additional_headers = theirs.Headers(pairs)
        return target

    # -- await, async with, async for --------------------------------------------------

    def __await__(self) -> Generator[Any, None, ClientConnection]:
        return self.connect().__await__()

    async def __aenter__(self) -> ClientConnection:
        if not _MINDS_EXCEPTIONS:
            self.connection = await self
            return self.connection
        if hasattr(self, "connection"):
            raise RuntimeError("connect() isn't reentrant")
        self.connection = await self
        return await self.connection.__aenter__()

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if not _MINDS_EXCEPTIONS:
            await self.connection.close()
            return
        try:
            await self.connection.__aexit__(exc_type, exc, traceback)
        finally:
            del self.connection

    async def __aiter__(self) -> AsyncIterator[ClientConnection]:
        delays: Iterator[float] | None = None
        while True:
            try:
                async with self as connection:
                    yield connection
            except Exception as exc:
                fatal = self._fatal(exc)
                if fatal is exc:
                    raise
                if fatal is not None:
                    raise fatal from exc
                delays = self.reconnect_delays() if delays is None else delays
                seconds = next(delays)
                reason = tracebacks.format_exception_only(exc)[0].strip()
                self.logger.info(
                    "connect failed; reconnecting in %.1f seconds: %s", seconds, reason
                )
                await asyncio.sleep(seconds)
            else:
                delays = None

    def _fatal(self, exc: Exception) -> Exception | None:
        """Return the error to raise, `None` to try again."""
        try:
            return self.process_exception(exc)
        except Exception as raised:
            return raised


def unix_connect(path: PathLike | None = None, uri: str | None = None, **kwargs: Any) -> connect:
    """Open a WebSocket on a Unix socket; otherwise like `connect`.

    Args:
        path: the path of the socket.
        uri: the URI for the request; `None` for ws://localhost/, or wss://localhost/ with `ssl`.
        kwargs: as for `connect`.
    """
    if uri is None:
        uri = "ws://localhost/" if kwargs.get("ssl") is None else "wss://localhost/"
    return connect(uri=uri, unix=True, path=path, **kwargs)


def _request(uri: theirs.WebSocketURI, asked: dict[str, Any]) -> theirs.Request:
    """Return the request as it was sent, except for what is drawn anew each time."""
    pairs: Any = [*asked["headers"].items(), ("Upgrade", "websocket"), ("Connection", "Upgrade")]
    pairs.append(("Sec-WebSocket-Version", "13"))
    for name, key in (("User-Agent", "user_agent"), ("Origin", "origin")):
        if asked[key] is not None:
            pairs.append((name, asked[key]))
    if asked["subprotocols"]:
        pairs.append(("Sec-WebSocket-Protocol", ", ".join(asked["subprotocols"])))
    return theirs.Request(uri.resource_name, theirs.Headers(pairs))
