"""One connection as the server sees it: what a script uses. Public name: `ServerConnection`.

Does not listen, and does not decide what a failed script means.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import deque
from typing import Any, Final, Self, cast

import h11

from .._base.arguments import check_limit
from .._base.rfc6455 import (
    OPCODE_PING,
    OPCODE_PONG,
    CloseCode,
    MessageType,
)
from .._codec import backend
from ..connection import Message
from ..exceptions import ConnectionDisconnected, MessageTypeError, ProtocolError, ReadTimeout
from ._frames import Sendable, close_frame, control_frame, message_frames
from ._limits import Limits
from ._request import HeadersLike, Opening, Request
from ._writing import ClientGone, Writing

__all__ = ["CLEAN_CLOSE_CODES", "ServerConnection"]

_READ_BYTES: Final = 64 * 1024
CLEAN_CLOSE_CODES: Final = frozenset({1000, 1001, 1005})


class ServerConnection:
    """A connection to a client, for the script of a test.

    Pings of the client are answered and its Close frame is, too, whatever the script does, but not
    while it stalls.

    Attributes:
        number: 1 for the first connection to this server, and so on.
        request: the client's request.
        subprotocol: the subprotocol that was chosen; `None` if none was.
        close_code: the code of the client's Close frame, 1005 without one; `None` before it.
        close_reason: the reason of the client's Close frame; empty before it.
    """

    request: Request

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        *,
        number: int,
        timeout: float | None,
        limits: Limits,
    ) -> None:
        """Make a connection whose request has not been read; `serve` does this."""
        self.number = number
        self.subprotocol: str | None = None
        self.close_code: int | None = None
        self.close_reason = ""
        self._reader = reader
        self._writing = Writing(writer)
        self._timeout = timeout
        self._limits = limits
        self._opening = Opening()
        self._is_answered = False
        self._parser = backend.MessageParser(max_message_size=limits.message_bytes, masked=True)
        self._messages: deque[str | bytes] = deque()
        self._unanswered: set[bytes] = set()
        self._reading: asyncio.Task[None] | None = None
        self._fault: ProtocolError | None = None
        self._news = asyncio.Event()
        self._wants_more = asyncio.Event()
        self._sent_close = False
        self._is_over = False
        self._is_stalled = False
        self._test_is_over = asyncio.Event()
        # Whether the end of the test ended the connection.
        self._was_left = False

    @property
    def write_size(self) -> int | None:
        """How many bytes are given to the network at once; `None`, the default, for all of them.

        With 1, the client reads its frames byte by byte.
        """
        return self._writing.size

    @write_size.setter
    def write_size(self, size: int | None) -> None:
        check_limit("write_size", size)
        self._writing.size = size

    # -- the opening handshake ---------------------------------------------------------

    async def _read_request(self) -> bool:
        """Read the request; refuse it and return `False` if it is not an opening handshake."""
        request = None
        try:
            async with asyncio.timeout(self._limits.request_seconds):
                while request is None:
                    request = self._opening.receive_data(await self._reader.read(_READ_BYTES))
        except (h11.RemoteProtocolError, OSError):  # A timeout is an OSError.
            return False
        self.request = request
        fault = request.fault()
        if fault is None:
            return True
        status, text = fault
        headers = [("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13")]
        await self.refuse(status, headers=headers if status == 426 else (), body=text)
        return False

    async def accept(self, *, subprotocol: str | None = None, headers: HeadersLike = ()) -> None:
        """Accept the opening handshake; only in a script that is served with `accept=False`.

        Args:
            subprotocol: the subprotocol to choose; `None` for none. It need not be offered.
            headers: headers to add to the response.

        Raises:
            RuntimeError: the request was accepted or refused before.
            ValueError: a header cannot be sent.
        """
        self._answer_once()
        await self.write(self._opening.switch(self.request, subprotocol, headers))
        self.subprotocol = subprotocol
        self._reading = asyncio.create_task(self._read(self._opening.trailing_data()))

    async def refuse(
        self, status: int, *, headers: HeadersLike = (), body: str | bytes = b""
    ) -> None:
        """Refuse the opening handshake; only in a script that is served with `accept=False`.

        Args:
            status: the HTTP status, 200 to 599.
            headers: headers of the response.
            body: the body of the response.

        Raises:
            RuntimeError: the request was accepted or refused before.
            ValueError: the status is another number, or a header cannot be sent.
        """
        self._answer_once()
        content = body.encode() if isinstance(body, str) else body
        await self.write(self._opening.refusal(status, headers, content))
        self._is_over = True

    def _answer_once(self) -> None:
        if self._is_answered:
            raise RuntimeError(
                "the opening handshake is over: accept=False leaves it to the script"
            )
        self._is_answered = True

    # -- receiving ---------------------------------------------------------------------

    async def receive(self) -> Message:
        """Wait for the next message; cancelling loses none.

        Raises:
            ConnectionDisconnected: the connection is over, and all messages were taken; or the
                test has ended.
            ReadTimeout: none arrived within the `timeout` of `serve`.
            ProtocolError: the client broke the protocol.
        """
        data = await self._next()
        return Message(MessageType.TEXT if isinstance(data, str) else MessageType.BINARY, data)

    async def receive_text(self) -> str:
        """Wait for the next message, which must be text; otherwise like `receive`.

        Raises:
            MessageTypeError: it is binary; it stays queued.
        """
        return cast("str", await self._next(str))

    async def receive_bytes(self) -> bytes:
        """Wait for the next message, which must be binary; otherwise like `receive`.

        Raises:
            MessageTypeError: it is text; it stays queued.
        """
        return cast("bytes", await self._next(bytes))

    async def receive_json(self) -> Any:
        """Wait for the next message, which must be text, and decode it; otherwise like `receive`.

        Raises:
            MessageTypeError: it is binary; it stays queued.
            ValueError: it is not JSON.
        """
        return json.loads(await self.receive_text())

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> str | bytes:
        """Wait for the data of the next message, for as long as the client stays.

        Raises:
            StopAsyncIteration: the client closed cleanly (1000, 1001 or no code), or the test has
                ended.
            ConnectionDisconnected: the connection ended in another way.
            ProtocolError: the client broke the protocol.
        """
        if not await self._has_next():
            raise StopAsyncIteration
        return self._take()

    async def _next(self, kind: type[str | bytes] | None = None) -> str | bytes:
        try:
            async with asyncio.timeout(self._timeout):
                arrived = await self._has_next()
        except TimeoutError as exc:
            raise ReadTimeout(
                f"the client sent no message within {self._timeout:g} seconds"
            ) from exc
        if not arrived:
            raise self._disconnected("while the script waited for a message")
        if kind is not None and not isinstance(self._messages[0], kind):
            wanted, came = ("text", "binary") if kind is str else ("binary", "text")
            raise MessageTypeError(f"next message is {came}, {wanted} was expected")
        return self._take()

    def _take(self) -> str | bytes:
        data = self._messages.popleft()
        self._wants_more.set()
        return data

    async def _has_next(self) -> bool:
        """Wait for a message; return `False` if the client closed cleanly or the test ended."""
        self._check_open()
        while not self._messages:
            self._raise_fault()
            if self._is_over:
                if self.close_code in CLEAN_CLOSE_CODES or self._was_left:
                    return False
                raise self._disconnected("while the script waited for a message")
            await self._wait_for_news()
        return True

    def _raise_fault(self) -> None:
        """Raise the client's breach of the protocol, once."""
        fault, self._fault = self._fault, None
        if fault is not None:
            raise fault

    def _check_open(self) -> None:
        if self._reading is None and not self._is_over:
            raise RuntimeError("the connection is not open: call accept() first")

    async def _wait_for_news(self) -> None:
        self._news.clear()
        await self._news.wait()

    def _disconnected(self, when: str) -> ConnectionDisconnected:
        if self._was_left:
            text = "the test ended"
        elif self.close_code is None:
            text = "the client ended the connection without a Close frame"
        else:
            reason = f" {self.close_reason!r}" if self.close_reason else ""
            text = f"the client closed with {self.close_code}{reason}"
        return ConnectionDisconnected(
            f"{text} {when}",
            code=self.close_code or CloseCode.ABNORMAL_CLOSURE,
            reason=self.close_reason,
        )

    async def _read(self, data: bytes) -> None:
        """Read until the client's Close frame, or the end of the stream."""
        try:
            while True:
                await self._feed(data)
                if self._parser.close is not None:
                    return
                while self._is_stalled or self._limits.reached_by(self._messages):
                    self._wants_more.clear()
                    await self._wants_more.wait()
                data = await self._reader.read(_READ_BYTES)
                # A stall may have begun in the meantime.
                while self._is_stalled:
                    self._wants_more.clear()
                    await self._wants_more.wait()
                if not data:
                    return
        except ProtocolError as exc:
            self._fault = exc
            with contextlib.suppress(ClientGone):
                await self._send_close(close_frame(exc.close_code))
        except (OSError, ClientGone):
            return
        finally:
            self._is_over = True
            self._news.set()
            # The server ends the TCP connection first (RFC 6455 section 7.1.1).
            self._writing.end()

    async def _feed(self, data: bytes) -> None:
        arrived: list[str | bytes] = []
        try:
            self._parser.feed(data, arrived)
        finally:
            self._messages += arrived
            self._news.set()
        controls, self._parser.controls = self._parser.controls, []
        for opcode, payload in controls:
            if opcode == OPCODE_PING:
                await self.write(control_frame(OPCODE_PONG, payload))
            else:
                self._unanswered.discard(payload)
        if self._parser.close is not None:
            code, self.close_reason = self._parser.close
            if not self._sent_close:
                answer = None if code == CloseCode.NO_STATUS_RECEIVED else code
                await self._send_close(close_frame(answer))
            self.close_code = code

    # -- sending -----------------------------------------------------------------------

    async def send(self, message: Sendable) -> None:
        """Send a message: `str` as text, `bytes` as binary, and a list of either in fragments.

        If the client is gone, this ends the script, and the test does not fail for it.

        Args:
            message: the message; an iterable is sent as one message with a frame for each item.

        Raises:
            ConnectionDisconnected: the client is gone, or the script has closed the connection.
            TypeError, ValueError: the message cannot be sent; nothing was sent.
        """
        frames = message_frames(message)
        self._check_sendable()
        await self.write(frames)

    async def send_json(self, value: Any) -> None:
        """Encode `value` and send it as one text message; otherwise like `send`."""
        await self.send(json.dumps(value))

    async def ping(self, payload: bytes = b"") -> None:
        """Send a Ping, and wait for its Pong.

        Raises:
            ValueError: the payload is longer than 125 bytes.
            TimeoutError: no Pong came within the `timeout` of `serve`.
            ConnectionDisconnected: the connection ended before the Pong.
        """
        frame = control_frame(OPCODE_PING, payload)
        self._check_sendable()
        self._unanswered.add(payload)
        await self.write(frame)
        try:
            async with asyncio.timeout(self._timeout):
                while payload in self._unanswered:
                    if self._is_over:
                        raise self._disconnected("before it answered a Ping")
                    await self._wait_for_news()
        except TimeoutError as exc:
            raise TimeoutError(
                f"the client did not answer a Ping within {self._timeout:g} seconds"
            ) from exc

    def _check_sendable(self) -> None:
        self._check_open()
        if self._sent_close and self.close_code is None and not self._was_left:
            raise ConnectionDisconnected("the script has closed the connection")
        if self._sent_close or self._is_over:
            raise ClientGone("the client is gone")

    async def write(self, data: bytes) -> None:
        """Write bytes as they are: to break the protocol, or to stop inside a frame.

        Raises:
            ConnectionDisconnected: the client is gone; this ends the script, and the test does not
                fail for it.
        """
        await self._writing.write(data)

    # -- faults and the end ------------------------------------------------------------

    async def sleep(self, seconds: float) -> None:
        """Wait, but only while the client is there, and the test goes on.

        If that ends first, this ends the script, and the test does not fail for it.

        Raises:
            ConnectionDisconnected: the client is gone, or the test has ended.
        """
        self._check_sendable()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not self._is_over:
                    await self._wait_for_news()
        if self._is_over:
            raise ClientGone("the client is gone")

    async def stall(self, seconds: float | None = None) -> None:
        """Read nothing, send nothing and answer nothing, like a server that hangs.

        Args:
            seconds: how long; `None` until the test ends, which is then no failure.
        """
        self._is_stalled = True
        try:
            if seconds is None:
                await self._test_is_over.wait()
                raise ClientGone("the test ended")
            await asyncio.sleep(seconds)
        finally:
            self._is_stalled = False
            self._wants_more.set()

    async def close(self, code: int | None = 1000, reason: str = "") -> None:
        """Send a Close frame, and wait for the client's, or for the end of the connection.

        If neither comes within the `timeout` of `serve`, the connection is dropped.

        Args:
            code: the close code; `None` for a Close frame without one.
            reason: the close reason, at most 123 bytes.

        Raises:
            ValueError: the code may not be sent, or the reason is too long.
        """
        frame = close_frame(code, reason)
        self._check_open()
        if not self._sent_close and not self._is_over:
            with contextlib.suppress(ClientGone):
                await self._send_close(frame)
        try:
            async with asyncio.timeout(self._timeout):
                while not self._is_over:
                    if self._limits.reached_by(self._messages):
                        # Nobody takes these any more; they must not hold up the Close frame.
                        self._messages.clear()
                        self._wants_more.set()
                    await self._wait_for_news()
        except TimeoutError:
            self._writing.abort()

    async def _send_close(self, frame: bytes) -> None:
        self._sent_close = True
        await self.write(frame)

    def drop(self) -> None:
        """End the connection without a Close frame; the client reads the end of the stream."""
        self._is_over = True
        self._news.set()
        self._writing.end()

    def reset(self) -> None:
        """End the connection with a TCP reset; the client's reads and writes fail."""
        self._is_over = True
        self._news.set()
        self._writing.reset()

    def _leave(self) -> None:
        """Begin the end, because the test has ended: close with 1001, without waiting."""
        self._test_is_over.set()
        if self._is_over:
            return
        self._was_left = True
        if self._reading is None or self._is_stalled or self._writing.is_blocked:
            self._writing.abort()
        elif not self._sent_close and not self._writing.is_closing:
            self._sent_close = True
            self._writing.write_now(close_frame(CloseCode.GOING_AWAY))

    async def _finish(self) -> None:
        """End the connection properly after the script.

        Raises:
            ProtocolError: the client broke the protocol, and no receive of the script told it.
        """
        if self._reading is not None:
            await self.close()
        self._raise_fault()

    def _abort(self) -> None:
        self._writing.abort()

    async def _release(self) -> None:
        """Free the socket and the reading task."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.wait([self._reading])
        await self._writing.wait_closed()
