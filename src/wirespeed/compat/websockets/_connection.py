"""The open connection with the interface of `websockets`.

Does not open connections.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import os
import weakref
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Coroutine, Iterable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, NoReturn, Self

from ..._base.rfc6455 import MAX_CONTROL_PAYLOAD_BYTES, OPCODE_PONG, CloseCode
from ..._codec import backend
from ..._lifecycle.closing import closing_of
from ..._lifecycle.closing_table import State as OwnState
from ...connection import WebSocketConnection
from . import _types as theirs
from ._errors import Failure, check_close, closed_error, make_end
from ._fragments import fragments_of, in_frames

if TYPE_CHECKING or not backend.COMPILED:
    from ..._channel import MessageReader
else:
    from ..._channel_c import MessageReader

if TYPE_CHECKING:
    from uuid import UUID

    from ._own.typing import Data, DataLike
    from ._protocol import ClientProtocol

_PING_BYTES = 4
_BYTES_LIKE = (bytes, bytearray, memoryview)


class ClientConnection:
    """An open WebSocket; made by `connect`.

    Args:
        protocol: what `connect` was asked for.
        ping_interval: seconds between two keep-alive Pings; `None` for no such Pings.
        ping_timeout: seconds after a Ping within which at least one byte must arrive; `None` for no
            limit.
        close_timeout: seconds for the closing handshake; `None` for no limit.
        max_queue: how many received frames may wait before reading pauses; `None` for no limit. Or
            a pair, of which only the first counts.
        write_limit: how many bytes may wait in the transport before `send` waits. Or a pair, of
            which only the first counts.
    """

    def __init__(
        self,
        protocol: ClientProtocol,
        *,
        ping_interval: float | None = 20,
        ping_timeout: float | None = 20,
        close_timeout: float | None = 10,
        max_queue: int | tuple[int | None, int | None] | None = 16,
        write_limit: int | tuple[int, int | None] = 2**15,
    ) -> None:
        self.protocol = protocol
        self.ping_interval = ping_interval
        self.ping_timeout = ping_timeout
        self.close_timeout = close_timeout
        self.max_queue = max_queue
        self.write_limit = write_limit
        self.id: UUID = protocol.id
        self.logger: Any = logging.LoggerAdapter(
            protocol.logger, {"websocket": weakref.proxy(self)}
        )
        self.debug: bool = protocol.debug
        self.request: theirs.Request | None = None
        self.response: theirs.Response | None = None
        self.loop = asyncio.get_running_loop()
        self._inner: WebSocketConnection
        self._reader: MessageReader
        # The answers to Pings, by payload.
        self._pings: dict[bytes, asyncio.Future[float]] = {}
        # The fragmented messages that are being sent.
        self._fragmented: set[object] = set()

    # -- for `connect` -----------------------------------------------------------------

    def begin(self, loop: asyncio.AbstractEventLoop, **options: Any) -> WebSocketConnection:
        """Make the connection below, which is not open yet."""
        inner = WebSocketConnection(loop, **options)
        inner._parser.queues_fragments = True
        if self.protocol.max_fragment_size is not None:
            inner._parser.frame_limit = self.protocol.max_fragment_size
        closing = closing_of(inner)
        closing.make_end = make_end
        closing.ends_with_transport = True
        return inner

    def attach(self, inner: WebSocketConnection) -> None:
        """Use a connection that is open now."""
        self._inner = self.protocol.connection = inner
        self._reader = MessageReader(inner._inbox, _conflict)

    # -- properties --------------------------------------------------------------------

    @property
    def local_address(self) -> Any:
        """The socket's local address."""
        return self._inner.local_address

    @property
    def remote_address(self) -> Any:
        """The address that the socket is connected to."""
        return self._inner.remote_address

    @property
    def transport(self) -> Any:
        """The transport."""
        return self._inner._transport

    @property
    def state(self) -> theirs.State:
        """The state of the connection (RFC 6455 section 4)."""
        return self.protocol.state

    @property
    def open(self) -> bool:
        """Whether messages can be sent and received."""
        return self.protocol.state is theirs.State.OPEN

    @property
    def closed(self) -> bool:
        """Whether the connection is closed."""
        return self.protocol.state is theirs.State.CLOSED

    @property
    def subprotocol(self) -> str | None:
        """The subprotocol that the server chose; `None` without one."""
        return self.protocol.subprotocol

    @property
    def close_code(self) -> int | None:
        """The code that was received, 1006 without a Close frame; `None` until closed."""
        return self.protocol.close_code

    @property
    def close_reason(self) -> str | None:
        """The reason that was received, empty without one; `None` until closed."""
        return self.protocol.close_reason

    @property
    def latency(self) -> float:
        """The last round trip of a Ping in seconds; 0 before the first."""
        latency = self._inner.latency
        return 0.0 if latency is None else latency.last

    @property
    def connection_lost_waiter(self) -> asyncio.Future[None]:
        """A future that is done when the transport is closed. It must not be cancelled."""
        return closing_of(self._inner).gone()

    # -- receiving ---------------------------------------------------------------------

    def recv(self, decode: bool | None = None) -> Coroutine[Any, Any, Any]:
        """Wait for the next message.

        Safe to cancel: a message is taken only in the step that returns it.

        Args:
            decode: `True` to return binary messages as `str` too, `False` to return text as
                `bytes`.

        Raises:
            ConnectionClosed: the connection is closed, and all messages were taken.
            ConcurrencyError: another task receives.
        """
        if decode is None:
            return self._reader.receive()
        return self._recv_as(decode)

    async def _recv_as(self, decode: bool) -> Data:
        data = await self._reader.receive()
        if not decode:
            return data.encode() if isinstance(data, str) else data
        try:
            return data if isinstance(data, str) else data.decode()
        except UnicodeDecodeError as exc:
            await self._fail(exc)

    async def recv_streaming(self, decode: bool | None = None) -> AsyncIterator[Any]:
        """Receive the next message frame by frame, as it was sent.

        The iterator must be consumed to its end: until then, no other message can be received.

        Args:
            decode: as for `recv`.

        Raises:
            ConnectionClosed, ConcurrencyError: as for `recv`.
        """
        if self._reader.is_busy():
            raise theirs.ConcurrencyError(
                "cannot call recv_streaming while another coroutine"
                " is already running recv or recv_streaming"
            )
        try:
            async for piece in in_frames(self._reader, decode):
                yield piece
        except UnicodeDecodeError as exc:
            await self._fail(exc)

    async def _fail(self, exc: UnicodeDecodeError) -> NoReturn:
        """Fail the connection because a message is not the text that the program wants."""
        reason = f"{exc.reason} at position {exc.start}"
        closing = closing_of(self._inner)
        closing.fail(Failure(reason, CloseCode.INVALID_DATA, exc))
        await closing.wait_closed()
        raise closed_error(closing)

    def __aiter__(self) -> AsyncIterator[Any]:
        # The reader needs no Python call for each message.
        if getattr(self.recv, "__func__", None) is ClientConnection.recv:
            return self._reader
        return self._messages()

    async def _messages(self) -> AsyncIterator[Any]:
        while True:
            try:
                message = await self.recv()
            except theirs.ConnectionClosedOK:
                return
            yield message

    # -- sending -----------------------------------------------------------------------

    async def send(
        self,
        message: DataLike | Iterable[DataLike] | AsyncIterable[DataLike],
        *,
        text: bool | None = None,
    ) -> None:
        """Send a message: `str` as text, bytes-like as binary, an iterable of either in fragments.

        Args:
            message: what to send; an empty iterable sends nothing.
            text: `True` to send bytes, which must be UTF-8, as text; `False` to send `str` as
                binary.

        Raises:
            ConnectionClosed: the connection is closed.
            TypeError: `message` cannot be sent.
        """
        inner = self._inner
        try:
            if isinstance(message, str):
                if text is False:
                    await inner.send_bytes(message.encode())
                else:
                    await inner.send_text(message)
            elif isinstance(message, _BYTES_LIKE):
                await (inner.send_text if text else inner.send_bytes)(message)
            else:
                await self._send_fragments(message, text)
        except theirs.ConnectionClosed:
            await self._raise_closed()

    async def _send_fragments(self, message: Any, text: bool | None) -> None:
        if isinstance(message, Mapping):
            raise TypeError("data is a dict-like object")
        if not isinstance(message, Iterable | AsyncIterable):
            raise TypeError("data must be str, bytes, iterable, or async iterable")
        token = object()
        begin = functools.partial(self._fragmented.add, token)
        try:
            await self._inner.send_stream(fragments_of(message, text, begin))
        except theirs.ConnectionClosed:
            raise
        except Exception:
            # Between two fragments, the connection was failed.
            closing = closing_of(self._inner)
            if closing.refuses_sends:
                await closing.wait_closed()
            raise
        finally:
            self._fragmented.discard(token)

    def pause_writing(self) -> None:
        """Hold sends back until `resume_writing`, as a transport without room does."""
        self._inner._protocol.pause_writing()

    def resume_writing(self) -> None:
        """Let sends that were held back go on."""
        self._inner._protocol.resume_writing()

    async def ping(self, data: DataLike | None = None) -> Awaitable[float]:
        """Send a Ping.

        Args:
            data: the payload, at most 125 bytes; `str` is sent as UTF-8. `None` for random bytes.

        Returns:
            An awaitable of the round trip in seconds. It fails with `ConnectionClosed` if the
            connection is closed first.

        Raises:
            ConnectionClosed: the connection is closed.
            ConcurrencyError: a Ping with this payload is not answered yet.
        """
        payload = None if data is None else _control_payload(data)
        self._pings = {key: answer for key, answer in self._pings.items() if not answer.done()}
        if payload in self._pings:
            raise theirs.ConcurrencyError("already waiting for a pong with the same data")
        while payload is None or payload in self._pings:
            payload = os.urandom(_PING_BYTES)
        try:
            answer = await self._inner.ping(payload)
        except theirs.ConnectionClosed:
            await self._raise_closed()
        self._pings[payload] = answer
        return answer

    async def pong(self, data: DataLike = b"") -> None:
        """Send a Pong that answers no Ping.

        Args:
            data: the payload, at most 125 bytes; `str` is sent as UTF-8.

        Raises:
            ConnectionClosed: the connection is closed.
        """
        payload = _control_payload(data)
        try:
            await self._inner._send_control(OPCODE_PONG, payload)
        except theirs.ConnectionClosed:
            await self._raise_closed()

    async def _raise_closed(self) -> NoReturn:
        """Raise the error of a send, which is known in full once the connection is closed."""
        closing = closing_of(self._inner)
        # After a failed write, messages are received until the peer ends.
        if closing.state is not OwnState.READ_ONLY:
            await closing.wait_closed()
        raise closed_error(closing)

    # -- closing -----------------------------------------------------------------------

    async def close(self, code: int = CloseCode.NORMAL_CLOSURE, reason: str = "") -> None:
        """Close the connection with the closing handshake, and wait until it is closed.

        Messages that arrive before the server's Close frame stay readable. If this is cancelled,
        closing continues.

        Args:
            code: the close code.
            reason: the close reason.

        Raises:
            ProtocolError: `code` or `reason` cannot be sent; nothing has changed.
        """
        closing = closing_of(self._inner)
        if closing.state < OwnState.CLOSING:
            check_close(code, reason)
            if self._fragmented:
                closing.fail(Failure("close during fragmented message"))
            else:
                closing.close(int(code), reason)
        await closing.wait_closed()

    async def wait_closed(self) -> None:
        """Wait until the connection is closed. Safe to cancel."""
        await closing_of(self._inner).wait_closed()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if exc_type is None:
            await self.close()
        else:
            await self.close(CloseCode.INTERNAL_ERROR)


def _conflict() -> Exception:
    return theirs.ConcurrencyError(
        "cannot call recv while another coroutine is already running recv or recv_streaming"
    )


def _control_payload(data: Any) -> bytes:
    if isinstance(data, str):
        payload = data.encode()
    elif isinstance(data, _BYTES_LIKE):
        payload = bytes(data)
    else:
        raise TypeError("data must be str or bytes-like")
    if len(payload) > MAX_CONTROL_PAYLOAD_BYTES:
        raise theirs.ProtocolError("control frame too long")
    return payload
