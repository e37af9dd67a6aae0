"""Subprotocols with an encoding of their own: what a program implements to use one.

Knows nothing of connections.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any


class ProtocolHandler(ABC):
    """Encodes and decodes the messages of a subprotocol (RFC 6455 section 1.9).

    Passed to `connect` as `protocol_handler`, its name is offered to the server, and
    `send_protocol` and `receive_protocol` of the connection use it:

        class MsgpackHandler(ProtocolHandler):
            @property
            def name(self) -> str:
                return "msgpack"

            def encode(self, data: Any) -> bytes:
                return msgpack.packb(data)

            def decode(self, data: bytes) -> Any:
                return msgpack.unpackb(data)
    """

    @property
    @abstractmethod
    def name(self) -> str:
        """The name of the subprotocol, as it is offered to the server."""

    @abstractmethod
    def encode(self, data: Any) -> bytes:
        """Encode what is to be sent as one binary message."""

    @abstractmethod
    def decode(self, data: bytes) -> Any:
        """Decode the payload of one binary message."""


def with_protocol(subprotocols: tuple[str, ...], handler: ProtocolHandler) -> tuple[str, ...]:
    """Return what to offer to the server: the handler's subprotocol too, at the end.

    Raises:
        TypeError: `handler` is not a `ProtocolHandler`.
    """
    if not isinstance(handler, ProtocolHandler):
        kind = type(handler).__name__
        raise TypeError(f"protocol_handler must be a ProtocolHandler or None, not {kind}")
    return subprotocols if handler.name in subprotocols else (*subprotocols, handler.name)
