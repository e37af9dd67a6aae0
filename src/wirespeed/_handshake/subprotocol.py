"""The interface that a program implements to use a subprotocol with its own encoding."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any


class ProtocolHandler(ABC):
    """Encodes and decodes the messages of a subprotocol (RFC 6455 section 1.9).

    Pass it to `connect` as `protocol_handler`. Its name is then offered to the server, and
    `send_protocol` and `receive_protocol` of the connection use it::

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
        """The name of the subprotocol, as offered to the server."""

    @abstractmethod
    def encode(self, data: Any) -> bytes:
        """Encode `data` as the payload of one binary message."""

    @abstractmethod
    def decode(self, data: bytes) -> Any:
        """Decode the payload of one binary message."""


def with_protocol(subprotocols: tuple[str, ...], handler: ProtocolHandler) -> tuple[str, ...]:
    """Return the subprotocols to offer: the handler's own is added at the end if missing.

    Raises:
        TypeError: `handler` is not a `ProtocolHandler`.
    """
    if not isinstance(handler, ProtocolHandler):
        kind = type(handler).__name__
        raise TypeError(f"protocol_handler must be a ProtocolHandler or None, not {kind}")
    return subprotocols if handler.name in subprotocols else (*subprotocols, handler.name)
