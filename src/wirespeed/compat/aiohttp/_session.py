"""`ClientSession` and `ws_connect`, which open WebSockets."""

from __future__ import annotations

import asyncio
import ssl as tls
import weakref
from collections.abc import Coroutine, Generator, Iterable, Mapping
from types import TracebackType
from typing import Any, Final, Self, cast

from multidict import CIMultiDict

from ...client import connect
from ...exceptions import WebSocketError
from ..handshake_headers import offered, offers_compression, without_handshake
from ._arguments import (
    TOTAL_SECONDS,
    check_auth,
    check_loop,
    merged_ssl,
    open_seconds,
)
from ._connection import Connection
from ._connector import check_connector, resolve_of, route_options, tls_setting
from ._cookies import check_jar, cookies_for, keep_cookies, new_jar
from ._errors import translated
from ._installed import REAL
from ._names import ClientWSTimeout, Fingerprint, TCPConnector, WSCloseCode
from ._requests import NEED_AIOHTTP, SESSION, check_settings
from ._response import ClientWebSocketResponse, response_class
from ._translation import (
    Pairs,
    Wish,
    connect_options,
    full_headers,
    full_url,
    proxy_url,
    ws_timeout,
)

# Compression that only a header asks for (RFC 7692 section 7.1.2).
_WIDEST_WINDOW: Final = 15


class Opening(Coroutine[Any, Any, ClientWebSocketResponse]):
    """A WebSocket to be opened: use it with `await` or `async with`, or make it a task."""

    __slots__ = ("_coroutine", "_response")

    def __init__(self, coroutine: Coroutine[Any, Any, ClientWebSocketResponse]) -> None:
        self._coroutine = coroutine
        self._response: ClientWebSocketResponse | None = None

    def __await__(self) -> Generator[Any, None, ClientWebSocketResponse]:
        return self._coroutine.__await__()

    def send(self, value: Any) -> Any:
        """Resume the coroutine; see `collections.abc.Coroutine`."""
        return self._coroutine.send(value)

    def throw(self, *args: Any) -> Any:
        """Resume the coroutine with an exception."""
        return self._coroutine.throw(*args)

    def close(self) -> None:
        """Close the coroutine."""
        self._coroutine.close()

    async def __aenter__(self) -> ClientWebSocketResponse:
        self._response = await self._coroutine
        return await self._response.__aenter__()

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._response is not None:
            await self._response.__aexit__(exc_type, exc, traceback)


class ClientSession:
    """The settings that several WebSockets share.

    Requests are made by a session of the installed `aiohttp` with the same settings; without
    aiohttp there are none.

    Args:
        base_url: the URL to which URLs without a scheme are relative; ends with a slash.
        connector: a `TCPConnector`, for its TLS setting, family, local address and resolver.
        loop: `None`, or the running event loop.
        cookies: sent with every opening handshake, to any host.
        headers: sent with every opening handshake.
        proxy: the proxy to use, unless the call names one.
        proxy_auth: the credentials for that proxy.
        auth: basic authentication, unless the call has its own.
        ws_response_class: a subclass of `ClientWebSocketResponse`, this one or aiohttp's.
        cookie_jar: a cookie jar of aiohttp; `None` for a new one.
        timeout: the timeout of opening; `None` for 300 seconds.
        trust_env: whether to use the environment's proxy if no other one is named.
        connector_owner: whether closing the session closes the connector.
        requests: any other parameter of aiohttp's `ClientSession`: they are about requests.

    Raises:
        TypeError: a parameter is unknown, or has the wrong type.
        ValueError: `base_url` does not end with a slash, `loop` is not the running event loop, or
            the connector makes sockets by itself.
    """

    def __init__(
        self,
        base_url: object = None,
        *,
        connector: Any = None,
        loop: asyncio.AbstractEventLoop | None = None,
        cookies: Mapping[str, Any] | None = None,
        headers: Pairs | None = None,
        proxy: object = None,
        proxy_auth: Any = None,
        auth: Any = None,
        ws_response_class: type[Any] = ClientWebSocketResponse,
        cookie_jar: Any = None,
        timeout: Any = None,
        trust_env: bool = False,
        connector_owner: bool = True,
        **requests: Any,
    ) -> None:
        check_loop(loop)
        check_auth("auth", auth)
        check_auth("proxy_auth", proxy_auth)
        check_jar(cookie_jar)
        check_settings(requests)
        if connector is not None:
            check_connector(connector)
        self._response_class = response_class(ws_response_class)
        self._open_timeout: float | None = TOTAL_SECONDS
        if timeout is not None and type(timeout) is not object:
            self._open_timeout = open_seconds(timeout)
        self._base_url = None if base_url is None else str(base_url)
        if self._base_url is not None and not self._base_url.endswith("/"):
            raise ValueError("base_url must end with '/'")
        self._connector = connector
        self._owns_connector = connector_owner
        self._cookies = dict(cookies or {})
        self._jar = cookie_jar
        if cookie_jar is not None and cookies:
            cookie_jar.update_cookies(cookies)
        self._headers: CIMultiDict[str] = CIMultiDict(headers or {})
        self._proxy = proxy
        self._proxy_auth = proxy_auth
        self._auth = auth
        self._trusts_environment = trust_env
        self._closed = False
        self._responses: weakref.WeakSet[ClientWebSocketResponse] = weakref.WeakSet()
        # The session that makes requests, once there is one.
        self._other: Any = None
        self._settings = {
            "base_url": base_url,
            "proxy": proxy,
            "proxy_auth": proxy_auth,
            "auth": auth,
            "trust_env": trust_env,
            **({} if timeout is None else {"timeout": timeout}),
            **requests,
        }

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        if SESSION is None and name in NEED_AIOHTTP:
            raise AttributeError(f"{name!r} of a session needs aiohttp to be installed")
        if SESSION is None or not hasattr(SESSION, name):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return getattr(self._request_session(), name)

    def _request_session(self) -> Any:
        """Return the session of aiohttp that makes requests."""
        if self._other is None:
            self._other = SESSION(
                connector=self.connector,
                connector_owner=False,
                cookie_jar=self.cookie_jar,
                headers=self._headers,
                **self._settings,
            )
            # One multidict from now on, for programs that change it.
            self._headers = self._other.headers
        return self._other

    @property
    def closed(self) -> bool:
        """Whether the session or its connector is closed."""
        return self._closed or (self._connector is not None and self._connector.closed)

    @property
    def headers(self) -> CIMultiDict[str]:
        """The headers that are sent with every opening handshake; may be changed."""
        return self._headers

    @property
    def connector(self) -> Any:
        """The connector."""
        if self._connector is None:
            self._connector = TCPConnector()
        return self._connector

    @property
    def cookie_jar(self) -> Any:
        """The cookies, a jar of aiohttp.

        Raises:
            AttributeError: aiohttp is not installed.
        """
        if self._jar is None:
            self._jar = new_jar(self._cookies)
        return self._jar

    async def close(self) -> None:
        """Close all WebSockets that this session has opened; it opens no more."""
        self._closed = True
        left = [response for response in self._responses if not response.closed]
        await asyncio.gather(*(ws.close(code=WSCloseCode.GOING_AWAY) for ws in left))
        if self._other is not None:
            await self._other.close()
        if self._owns_connector and self._connector is not None:
            await self._connector.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    def ws_connect(self, url: object, **options: Any) -> Opening:
        """Open a WebSocket; use the result with `await` or `async with`.

        Args:
            url: a `str` or a URL object such as `yarl.URL`, with the scheme ws, wss, http or https.
            options: the keyword arguments of `_open`.

        Raises:
            TypeError, ValueError: an argument cannot be used.
            NonHttpUrlClientError: the URL has no scheme, or another one than those above.
            WSServerHandshakeError: the server refused.
            ClientHttpProxyError: the proxy refused.
            ClientConnectionError: the server could not be reached, or it closed the connection.
            ConnectionTimeoutError: the connection was not open in time.
        """
        return Opening(self._open(url, **options))

    async def _open(
        self,
        url: object,
        *,
        method: str = "GET",
        protocols: Iterable[str] = (),
        timeout: Any = ...,  # noqa: ASYNC109
        receive_timeout: float | None = None,
        autoclose: bool = True,
        autoping: bool = True,
        heartbeat: float | None = None,
        auth: Any = None,
        origin: str | None = None,
        params: Pairs | str | None = None,
        headers: Pairs | None = None,
        proxy: object = None,
        proxy_auth: Any = None,
        ssl: tls.SSLContext | bool | Fingerprint | None = True,
        verify_ssl: bool | None = None,
        fingerprint: bytes | None = None,
        ssl_context: tls.SSLContext | None = None,
        server_hostname: str | None = None,
        proxy_headers: Pairs | None = None,
        compress: int = 0,
        max_msg_size: int = 4 * 1024 * 1024,
        decode_text: bool = True,
    ) -> ClientWebSocketResponse:
        if self.closed:
            raise RuntimeError("session is closed")
        if method != "GET":
            raise ValueError(f"method must be 'GET', not {method!r} (RFC 6455 section 4.1)")
        check_auth("auth", auth)
        waits = ws_timeout(timeout, receive_timeout)
        where = full_url(url, self._base_url, params)
        said = full_headers(
            self._headers,
            headers,
            cookies=self._cookies if self._jar is None else cookies_for(self._jar, where),
            auth=self._auth if auth is None else auth,
            origin=origin,
        )
        if proxy is None:
            proxy, proxy_auth = self._proxy, proxy_auth or self._proxy_auth
        through: str | bool | None = proxy_url(proxy, proxy_auth, proxy_headers)
        if through is None and self._trusts_environment:
            through = True
        merged = merged_ssl(ssl, verify_ssl, fingerprint, ssl_context)
        wish = Wish(
            protocols=offered(protocols, said),
            autoclose=autoclose,
            autoping=autoping,
            heartbeat=heartbeat,
            ssl=tls_setting(self._connector) if merged is True else merged,
            server_hostname=server_hostname,
            proxy=through,
            compress=compress or (_WIDEST_WINDOW if offers_compression(said) else 0),
            max_msg_size=max_msg_size,
            decode_text=decode_text,
        )
        try:
            connection = await connect(
                where,
                headers=without_handshake(said),
                open_timeout=self._open_timeout,
                close_timeout=waits.ws_close,
                **connect_options(wish),
                **route_options(self._connector),
            )._like_aiohttp(resolve_of(self._connector))
        except (WebSocketError, OSError) as exc:
            raise translated(exc, where, said) from exc
        if REAL is not None and "Set-Cookie" in connection.response.headers:
            keep_cookies(self.cookie_jar, connection.response.headers, where)
        response: ClientWebSocketResponse = self._response_class(
            cast("Connection", connection), autoclose=autoclose, receive_timeout=waits.ws_receive
        )
        self._responses.add(response)
        return response


def ws_connect(
    url: object,
    *,
    protocols: Iterable[str] = (),
    timeout: float | ClientWSTimeout = 10.0,
    connector: Any = None,
    ws_response_class: type[Any] = ClientWebSocketResponse,
    autoclose: bool = True,
    autoping: bool = True,
    loop: asyncio.AbstractEventLoop | None = None,
) -> Opening:
    """Open a WebSocket without a session; use the result with `await` or `async with`.

    Args:
        url: a `str` or a URL object such as `yarl.URL`, with the scheme ws, wss, http or https.
        protocols: subprotocols to offer, in order of preference.
        timeout: seconds that closing may wait for the server, or a `ClientWSTimeout`.
        connector: a `TCPConnector`, for its `ssl`; `None` for the defaults.
        ws_response_class: a subclass of `ClientWebSocketResponse`.
        autoclose: whether the server's Close frame is answered automatically. If not, `close`
            answers it.
        autoping: whether Pings are answered automatically. If not, Pings and Pongs are received
            as messages, and the program answers with `pong`.
        loop: `None`, or the running event loop.

    Raises:
        TypeError, ValueError: an argument cannot be used.
        NonHttpUrlClientError: the URL has no scheme, or another one than those above.
        WSServerHandshakeError: the server refused.
        ClientConnectionError: the server could not be reached, or it closed the connection.
        ConnectionTimeoutError: the connection was not open in time.
    """

    async def opened() -> ClientWebSocketResponse:
        waits = timeout
        if not isinstance(waits, ClientWSTimeout):
            # A number was the way to say it when this function was new.
            waits = ClientWSTimeout(ws_close=waits)
        session = ClientSession(connector=connector, loop=loop, ws_response_class=ws_response_class)
        return await session._open(
            url, protocols=protocols, timeout=waits, autoclose=autoclose, autoping=autoping
        )

    return Opening(opened())
