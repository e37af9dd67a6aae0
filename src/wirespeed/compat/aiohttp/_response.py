"""The open WebSocket with the interface of `aiohttp`.

Does not open connections.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Coroutine
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

from ..._base.rfc6455 import MAX_CONTROL_PAYLOAD_BYTES, CloseCode
from ..._lifecycle.close_frame import check_close
from ...exceptions import ProtocolError
from ._connection import Connection
from ._installed import REAL
from ._messages import CLOSED, CLOSING, TypedReceiver, WSMessage
from ._names import (
    ServerTimeoutError,
    WebSocketError,
    WSCloseCode,
    WSMessageTypeError,
    WSMsgType,
)

if TYPE_CHECKING:
    from typing_extensions import Buffer

if TYPE_CHECKING or REAL is None:

    class _Base:
        """The base without aiohttp."""
else:
    # So that `isinstance` holds in libraries that import aiohttp themselves.
    _Base = REAL.ClientWebSocketResponse

_ENDS: Final = frozenset({WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED})
# The data of the message for a Close frame without a code (RFC 6455 section 7.1.5).
_NO_CODE: Final = 0


class ClientWebSocketResponse(_Base):
    """An open WebSocket; made by `ws_connect`.

    Iterating over it returns each message as a `WSMessage`, until it is closed. A send works
    without `await`: the frame is on its way when the call returns. Awaiting it waits for room in
    the transport.

    Args:
        connection: the connection.
        autoclose: whether the server's Close frame is answered automatically.
        receive_timeout: the default timeout of a receive in seconds; `None` waits without limit.
    """

    def __init__(
        self, connection: Connection, *, autoclose: bool, receive_timeout: float | None
    ) -> None:
        self._connection = connection
        # Programs read the headers of the response here.
        self._response = connection.response
        self._receiver = TypedReceiver(
            connection._inbox, WSMsgType, self._tell_end, receive_timeout
        )
        self._autoclose = autoclose
        self._closed = False
        # How often `close` was called before a receive returned the end.
        self._closes = 0
        # The program has received the server's Close frame, which is not answered yet.
        self._must_answer = False
        self._close_code: int | None = None
        self._exception: BaseException | None = None

    # -- properties --------------------------------------------------------------------

    @property
    def closed(self) -> bool:
        """Whether `close` was called, the server was silent, or there is nothing left to receive.

        A Close frame of the server counts once it was received or answered.
        """
        if self._closed:
            return True
        return self._connection.was_silent or self._connection.has_all_received

    @property
    def close_code(self) -> int | None:
        """The close code; `None` while open, 1005 if the server's Close frame had no code."""
        self._note_loss()
        return self._close_code

    @property
    def protocol(self) -> str | None:
        """The subprotocol that the server chose; `None` without one."""
        return self._connection.subprotocol

    @property
    def compress(self) -> int:
        """The window of compressed messages as a power of 2; 0 without compression."""
        agreed = self._connection.compression
        return 0 if agreed is None else agreed.client_max_window_bits or 15

    @property
    def client_notakeover(self) -> bool:
        """Whether each sent message is compressed separately."""
        agreed = self._connection.compression
        return agreed is not None and agreed.client_no_context_takeover

    def exception(self) -> BaseException | None:
        """Return the error that ended the connection, `None` if there was none."""
        self._note_loss()
        return self._exception

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Return information about the transport, while open; see `asyncio.BaseTransport`."""
        transport = self._connection._transport
        if self.closed or transport is None:
            return default
        return transport.get_extra_info(name, default)

    # -- receiving ---------------------------------------------------------------------

    def receive(self, timeout: float | None = None) -> Coroutine[Any, Any, WSMessage]:
        """Wait for the next message, or for the end, which is a message too.

        After the last message comes CLOSE with the server's code and reason, or ERROR with an
        exception, or CLOSING if `close` was called during the wait, or none of these. All later
        receives return CLOSED. Safe to cancel: a message is taken only in the step that returns it.

        Args:
            timeout: in seconds; `None` and 0 for the timeout of `ws_connect`.

        Raises:
            TimeoutError: no message came in time; the connection is unchanged.
        """
        return self._receiver.receive(timeout)

    async def receive_str(self, *, timeout: float | None = None) -> Any:  # noqa: ASYNC109
        """Wait for a text message and return its data; otherwise like `receive`.

        Raises:
            WSMessageTypeError: the message is of another type; it was taken.
        """
        return _data_of(await self.receive(timeout), WSMsgType.TEXT)

    async def receive_bytes(self, *, timeout: float | None = None) -> bytes:  # noqa: ASYNC109
        """Wait for a binary message and return its data; otherwise like `receive_str`."""
        data: bytes = _data_of(await self.receive(timeout), WSMsgType.BINARY)
        return data

    async def receive_json(
        self,
        *,
        loads: Callable[[Any], Any] = json.loads,
        timeout: float | None = None,  # noqa: ASYNC109
    ) -> Any:
        """Wait for a text message and decode it with `loads`; otherwise like `receive_str`."""
        return loads(await self.receive_str(timeout=timeout))

    def __aiter__(self) -> AsyncIterator[WSMessage]:
        # The receiver is an iterator that needs no Python call for each message.
        own = type(self).receive is ClientWebSocketResponse.receive
        return self._receiver if own and _has_own_step(self) else self

    async def __anext__(self) -> WSMessage:
        message = await self.receive()
        if message.type in _ENDS:
            raise StopAsyncIteration
        return message

    # -- sending -----------------------------------------------------------------------

    def send_str(self, data: str, compress: int | None = None) -> Coroutine[Any, Any, None]:
        """Send a text message.

        Raises:
            TypeError: `data` is not `str`.
            ClientConnectionResetError: the connection is closing or closed.
        """
        if not isinstance(data, str):
            raise TypeError(f"data must be str, not {type(data).__name__}")
        if not compress:
            return self._connection.send_text(data)
        return self._connection.send_text(data, compress=self._may_compress())

    def send_bytes(self, data: Buffer, compress: int | None = None) -> Coroutine[Any, Any, None]:
        """Send a binary message; otherwise like `send_str`.

        Raises:
            TypeError: `data` is not `bytes`, `bytearray` or `memoryview`.
        """
        if not isinstance(data, (bytes, bytearray, memoryview)):
            raise TypeError(
                f"data must be bytes, bytearray or memoryview, not {type(data).__name__}"
            )
        if not compress:
            return self._connection.send_bytes(data)
        return self._connection.send_bytes(data, compress=self._may_compress())

    def send_json(
        self,
        data: Any,
        compress: int | None = None,
        *,
        dumps: Callable[[Any], str] = json.dumps,
    ) -> Coroutine[Any, Any, None]:
        """Send a value as a text message, encoded with `dumps`; otherwise like `send_str`."""
        return self.send_str(dumps(data), compress)

    def send_json_bytes(
        self, data: Any, compress: int | None = None, *, dumps: Callable[[Any], bytes]
    ) -> Coroutine[Any, Any, None]:
        """Send a value as a binary message, encoded with `dumps`; otherwise like `send_bytes`."""
        return self.send_bytes(dumps(data), compress)

    def send_frame(
        self, message: Buffer, opcode: WSMsgType, compress: int | None = None
    ) -> Coroutine[Any, Any, None]:
        """Send a whole message of any type except CLOSE.

        Args:
            message: the payload; for TEXT it must be UTF-8.
            opcode: TEXT, BINARY, PING or PONG.
            compress: another number than 0 compresses, if compression was agreed on.
        """
        compresses = self._may_compress() if compress else None
        if opcode == WSMsgType.TEXT:
            return self._connection.send_text(message, compress=compresses)
        if opcode == WSMsgType.BINARY:
            return self._connection.send_bytes(message, compress=compresses)
        if opcode in {WSMsgType.PING, WSMsgType.PONG}:
            return self._send_control(opcode, bytes(message))
        raise ValueError(
            f"opcode is {opcode!r}, allowed are TEXT, BINARY, PING and PONG; close() sends CLOSE"
        )

    def ping(self, message: str | Buffer = b"") -> Coroutine[Any, Any, None]:
        """Send a Ping with up to 125 bytes, `str` as UTF-8 (RFC 6455 section 5.5.2)."""
        return self._send_control(WSMsgType.PING, _as_bytes(message))

    def pong(self, message: str | Buffer = b"") -> Coroutine[Any, Any, None]:
        """Send a Pong with up to 125 bytes, `str` as UTF-8 (RFC 6455 section 5.5.3)."""
        return self._send_control(WSMsgType.PONG, _as_bytes(message))

    def _may_compress(self) -> bool:
        """Return that one message may be compressed, or raise `ValueError`."""
        if self._connection.compression is None:
            raise ValueError("compress must be None: no compression was agreed on")
        return True

    def _send_control(self, opcode: WSMsgType, payload: bytes) -> Coroutine[Any, Any, None]:
        if len(payload) > MAX_CONTROL_PAYLOAD_BYTES:
            raise ValueError(
                f"payload is {len(payload)} bytes,"
                f" limit is {MAX_CONTROL_PAYLOAD_BYTES} (RFC 6455 section 5.5)"
            )
        return self._connection._send_control(opcode, payload)

    # -- closing -----------------------------------------------------------------------

    async def close(self, *, code: int = WSCloseCode.OK, message: str | Buffer = b"") -> bool:
        """Close the connection with the closing handshake (RFC 6455 section 7.1.2).

        Returns when the transport is closed, after the close timeout at the latest, whatever the
        server sends until then. A waiting receive returns CLOSING at once. Messages that were not
        received are dropped. If this is cancelled, closing continues. If the last receive timed
        out, this does not wait for the server, as in aiohttp.

        Args:
            code: 1000 to 1003, 1007 to 1014, or 3000 to 4999.
            message: the reason, at most 123 bytes of UTF-8.

        Returns:
            `True` if this call closes the connection; `False` if it was closed before.

        Raises:
            TypeError, ValueError: `code` or `message` cannot be sent; nothing has changed.
        """
        reason = _as_bytes(message).decode()
        check_close(code, reason)
        self._closes += 1
        if self._closed or self._connection.was_silent:
            if not self._is_silent():
                await self._connection.wait_closed()
            return False
        self._note_loss()
        self._closed = True
        self._receiver.finish()
        if self._is_silent():
            self._connection.close_unanswered(code, reason)
            if self._close_code is None:
                self._close_code = WSCloseCode.ABNORMAL_CLOSURE
            return True
        try:
            await self._connection.close(code, reason)
        except asyncio.CancelledError:
            self._close_code = WSCloseCode.ABNORMAL_CLOSURE
            raise
        self._note_close()
        return True

    def _is_silent(self) -> bool:
        """Return whether nothing was received since a receive timed out."""
        return self._receiver.timed_out and self._connection.received_close is None

    def _note_close(self) -> None:
        """Record the close code, and the error if any, after our `close`."""
        connection = self._connection
        received = connection.received_close
        if received is not None:
            self._close_code = received[0]
        elif self._close_code is None:
            self._close_code = WSCloseCode.ABNORMAL_CLOSURE
            self._exception = TimeoutError() if connection.timed_out else connection.end_error()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    # -- the end, as a message ---------------------------------------------------------

    def _tell_end(self, is_step: bool, stood_in_line: bool) -> WSMessage:
        """Return the message of a receive that comes after the last message.

        Args:
            is_step: whether the receive is a step of an iteration, which ends here.
            stood_in_line: whether the receive was already waiting when the end came.

        Raises:
            StopAsyncIteration: the iteration ends.
        """
        message = self._last_message(stood_in_line)
        if is_step and message.type in _ENDS:
            raise StopAsyncIteration
        return message

    def _last_message(self, stood_in_line: bool) -> WSMessage:
        if self._closed:
            # aiohttp's second `close` takes this message away from the receive.
            return CLOSING if self._closes == 1 and stood_in_line else CLOSED
        received = self._connection.received_close
        if received is None:
            return self._lost(stood_in_line)
        if self._must_answer:
            self._closed = True
            self._connection.answer_close()
            return CLOSED
        self._close_code = received[0]
        if self._autoclose:
            self._closed = True
            if not self._connection.answer_close():
                self._close_code = WSCloseCode.ABNORMAL_CLOSURE
        else:
            self._must_answer = True
        code = _NO_CODE if received[0] == CloseCode.NO_STATUS_RECEIVED else received[0]
        return WSMessage(WSMsgType.CLOSE, code, received[1])

    def _lost(self, stood_in_line: bool) -> WSMessage:
        """Return the message for a connection that ended without the server's Close frame."""
        self._note_loss()
        self._closed = True
        error = self._exception
        # After a failed heartbeat, only a receive that waited at that time gets the error.
        tells = stood_in_line if isinstance(error, ServerTimeoutError) else True
        if tells and isinstance(error, WebSocketError | ServerTimeoutError):
            return WSMessage(WSMsgType.ERROR, error, None)
        return CLOSED

    def _note_loss(self) -> None:
        """Record the close code and the error of a connection that was lost, when it is asked for.

        Without this, only the next receive would notice.
        """
        if self._closed or self._close_code is not None or not self._connection.is_lost:
            return
        error = self._connection.end_error()
        self._close_code = WSCloseCode.ABNORMAL_CLOSURE
        if isinstance(error, ProtocolError):
            self._close_code = WSCloseCode(error.close_code)
            error = WebSocketError(self._close_code, str(error))
        elif self._connection.was_silent:
            error = ServerTimeoutError(str(error))
        self._exception = error


def response_class(kind: Any) -> type[Any]:
    """Return a class of open WebSockets for the class that a program asks for.

    A subclass of aiohttp's own class gets ours between the two, so that `super()` finds it.

    Raises:
        TypeError: it is no subclass of `ClientWebSocketResponse`.
    """
    if isinstance(kind, type) and issubclass(kind, ClientWebSocketResponse):
        return kind
    if REAL is None or not isinstance(kind, type) or not issubclass(kind, _Base):
        raise TypeError("ws_response_class must be a subclass of ClientWebSocketResponse")
    if kind is _Base:
        return ClientWebSocketResponse
    return type(kind.__name__, (kind, ClientWebSocketResponse), {"__module__": kind.__module__})


def _has_own_step(response: ClientWebSocketResponse) -> bool:
    return type(response).__anext__ is ClientWebSocketResponse.__anext__


def _data_of(message: WSMessage, wanted: WSMsgType) -> Any:
    if message.type is not wanted:
        # Without the payload of a message, which must not get into logs.
        is_payload = isinstance(message.data, str | bytes)
        shown = f"{len(message.data)} long" if is_payload else repr(message.data)
        raise WSMessageTypeError(
            f"Received message {message.type}:{shown} is not WSMsgType.{wanted.name}"
        )
    return message.data


def _as_bytes(message: str | Buffer) -> bytes:
    if isinstance(message, str):
        return message.encode()
    if not isinstance(message, (bytes, bytearray, memoryview)):
        raise TypeError(f"message must be str or bytes-like, not {type(message).__name__}")
    return bytes(message)
