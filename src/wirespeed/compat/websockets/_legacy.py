"""The old client of `websockets`: its parameters are translated to those of `connect`."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from . import _types as theirs
from ._connect import connect as new_connect
from ._connection import ClientConnection
from ._options import USER_AGENT

if TYPE_CHECKING:
    from ._own.datastructures import HeadersLike
    from ._own.typing import PathLike

__all__ = ["WebSocketClientProtocol", "connect", "unix_connect"]


class WebSocketClientProtocol(ClientConnection):
    """An open WebSocket with the names of the old client."""

    @property
    def host(self) -> str:
        """The host of the URI."""
        return self.protocol.uri.host

    @property
    def port(self) -> int:
        """The port of the URI."""
        return self.protocol.uri.port

    @property
    def secure(self) -> bool:
        """Whether TLS is used."""
        return self.protocol.uri.secure

    @property
    def path(self) -> str:
        """Path and query of the request."""
        return self.protocol.uri.resource_name

    @property
    def request_headers(self) -> theirs.Headers | None:
        """The headers of the request."""
        return None if self.request is None else self.request.headers

    @property
    def response_headers(self) -> theirs.Headers | None:
        """The headers of the response."""
        return None if self.response is None else self.response.headers


class connect(new_connect):  # noqa: N801
    """Open a WebSocket with the parameters of the old client.

    Args:
        uri: the URI, with the scheme ws or wss.
        create_protocol: makes the connection; `klass` is its old name.
        extra_headers: headers to add to the request.
        close_timeout: seconds for the closing handshake; `timeout` is its old name.
        read_limit: has no effect.
        options: the other parameters of the new `connect`. `loop` and `legacy_recv` have no effect.
    """

    def __init__(
        self,
        uri: str,
        *,
        create_protocol: Callable[..., ClientConnection] | None = None,
        logger: Any = None,
        compression: str | None = "deflate",
        origin: str | None = None,
        extensions: Sequence[Any] | None = None,
        subprotocols: Sequence[str] | None = None,
        extra_headers: HeadersLike | None = None,
        user_agent_header: str | None = USER_AGENT,
        open_timeout: float | None = 10,
        ping_interval: float | None = 20,
        ping_timeout: float | None = 20,
        close_timeout: float | None = None,
        max_size: int | None = 2**20,
        max_queue: int | None = 2**5,
        read_limit: int = 2**16,
        write_limit: int = 2**16,
        **options: Any,
    ) -> None:
        timeout = _renamed(options, "timeout", "close_timeout")
        klass = _renamed(options, "klass", "create_protocol")
        if options.pop("loop", None) is not None:
            warnings.warn("remove loop argument", DeprecationWarning, stacklevel=2)
        options.pop("legacy_recv", None)
        options.setdefault("proxy", None)
        if close_timeout is None:
            close_timeout = 10 if timeout is None else timeout
        super().__init__(
            uri,
            create_connection=create_protocol or klass or WebSocketClientProtocol,
            logger=logger,
            compression=compression,
            origin=origin,
            extensions=extensions,
            subprotocols=subprotocols,
            additional_headers=extra_headers,
            user_agent_header=user_agent_header,
            open_timeout=open_timeout,
            ping_interval=ping_interval,
            ping_timeout=ping_timeout,
            close_timeout=close_timeout,
            max_size=max_size,
            max_queue=max_queue,
            write_limit=write_limit,
            **options,
        )

    async def connect(self) -> ClientConnection:
        """Open a connection, and follow redirects; safe to cancel."""
        try:
            return await super().connect()
        except theirs.InvalidStatus as exc:
            response = exc.response
            raise theirs.InvalidStatusCode(response.status_code, response.headers) from exc


def _renamed(options: dict[str, Any], old: str, new: str) -> Any:
    value = options.pop(old, None)
    if value is not None:
        warnings.warn(f"rename {old} to {new}", DeprecationWarning, stacklevel=3)
    return value


def unix_connect(
    path: PathLike | None = None, uri: str = "ws://localhost/", **kwargs: Any
) -> connect:
    """Open a WebSocket on a Unix socket; otherwise like `connect`."""
    return connect(uri=uri, unix=True, path=path, **kwargs)
