"""Names of other WebSocket clients, and what to use here instead."""

from __future__ import annotations

import difflib
import functools
import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Final, NoReturn, ParamSpec, TypeVar

_P = ParamSpec("_P")
_T = TypeVar("_T")

# Keyword arguments with which others open a connection.
ARGUMENTS: Final[Mapping[str, str]] = {
    "additional_headers": "headers",
    "compress": "compression",
    "connect_timeout": "open_timeout",
    "cookie": "cookies",
    "create_protocol": "create_connection",
    "extra_headers": "headers",
    "handshake_timeout": "open_timeout",
    "header": "headers",
    "http_proxy": "proxy",
    "klass": "create_connection",
    "max_frame_size": "max_message_size",
    "max_msg_size": "max_message_size",
    "max_size": "max_message_size",
    "on_message": "async for message in ws",
    "ping_payload": "heartbeat=Heartbeat(...)",
    "process_exception": "reconnect=Reconnect(should_retry=...)",
    "protocol": "subprotocols",
    "protocols": "subprotocols",
    "read_limit": "max_queue_bytes",
    "receive_timeout": "timeout of receive(timeout=...)",
    "request_header": "headers",
    "ssl_context": "ssl",
    "ssl_options": "ssl",
    "sslopt": "ssl",
    "subprotocol": "subprotocols",
    "timeout": "open_timeout",
    "user_agent_header": "user_agent",
    "verify_ssl": "ssl",
    "write_limit": "write_buffer_size",
}

# Attributes of others' connections.
ATTRIBUTES: Final[Mapping[str, str]] = {
    "connected": "closed",
    "disconnect": "close",
    "exception": "close_info",
    "is_closed": "closed",
    "is_open": "closed",
    "iter_bytes": "async for message in ws",
    "iter_json": "receive_json",
    "iter_text": "async for message in ws",
    "messages": "async for message in ws",
    "open": "closed",
    "peer": "remote_address",
    "protocol": "subprotocol",
    "read": "receive",
    "receive_str": "receive_text",
    "recv": "receive",
    "recv_bytes": "receive_bytes",
    "recv_json": "receive_json",
    "recv_streaming": "receive_stream",
    "recv_text": "receive_text",
    "request_headers": "headers of connect()",
    "response_headers": "response.headers",
    "send_binary": "send_bytes",
    "send_str": "send_text",
    "state": "closed",
    "status_code": "response.status",
    "transport": "get_extra_info",
    "write": "send",
}


class ForeignName:
    """An attribute that does not exist: it names the one to use instead.

    A descriptor rather than `__getattr__`, which would slow down each access to any attribute.
    """

    __slots__ = ("_name", "_own")

    def __init__(self, name: str, own: str) -> None:
        self._name = name
        self._own = own

    def __get__(self, instance: object, owner: type) -> NoReturn:
        kind = owner.__name__
        raise AttributeError(
            f"{kind!r} object has no attribute {self._name!r}, did you mean {self._own}?",
            name=self._name,
            obj=owner if instance is None else instance,
        )


def name_own_attributes(kind: type[_T]) -> type[_T]:
    """Let the objects of a class name their own attribute for one of another client."""
    for name, own in ATTRIBUTES.items():
        setattr(kind, name, ForeignName(name, own))
    kind.__dir__ = _own_names  # type: ignore[method-assign, assignment]
    return kind


def _own_names(thing: object) -> list[str]:
    """Return the attributes without those that only raise, for what completes names."""
    names = object.__dir__(thing)
    return [
        name
        for name in names
        if not isinstance(inspect.getattr_static(type(thing), name, None), ForeignName)
    ]


def name_own_arguments(function: Callable[_P, _T]) -> Callable[_P, _T]:
    """Let `function` name its own argument for one that it does not have."""
    known = inspect.signature(function).parameters

    @functools.wraps(function)
    def checked(*args: _P.args, **options: _P.kwargs) -> _T:
        for name in options.keys() - known.keys():
            hint = _hint(name, known)
            raise TypeError(
                f"{function.__name__}() got an unexpected keyword argument {name!r}{hint}"
            )
        return function(*args, **options)

    return checked


def _hint(name: str, known: Iterable[str]) -> str:
    own = ARGUMENTS.get(name) or next(iter(difflib.get_close_matches(name, known, 1)), None)
    return "" if own is None else f", did you mean {own}?"
