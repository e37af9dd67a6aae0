"""The transport's callbacks: they pass bytes to the opening handshake or to the channel.

Does not parse frames or messages.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys
from collections.abc import Callable
from operator import call as referent
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary, ref

from .._base.transport_info import count_readable, extra_info
from ..exceptions import HandshakeError
from .channel import Channel

if TYPE_CHECKING:
    from .._base.opened import Opened
    from .._handshake.opening_handshake import OpeningHandshake

SHARED_BUFFER_BYTES = 256 * 1024
PRIVATE_BUFFER_BYTES = 64 * 1024
# Compressed data inflates to at most 1032 times its size. What the queue has no room for waits as
# it was read. At the end of the connection nothing can wait: then this limits it to about 16 MiB.
COMPRESSED_READ_BYTES = 16 * 1024

# The memory of each loop, and the view of it that `get_buffer` returns.
_shared_buffers: WeakKeyDictionary[asyncio.AbstractEventLoop, tuple[bytearray, memoryview]] = (
    WeakKeyDictionary()
)


def _read_buffer(loop: asyncio.AbstractEventLoop) -> tuple[bytearray, memoryview]:
    """Return the memory that a connection of `loop` reads into, and a view of it.

    If `get_buffer`, the read and `buffer_updated` are one synchronous step, all connections of a
    loop share one buffer. It stays in the processor's cache, and an idle connection needs no
    buffer. libuv on Windows is different: it holds the memory and reads into it asynchronously.
    """
    if sys.platform == "win32" and not isinstance(loop, asyncio.BaseEventLoop):
        return _viewed(bytearray(PRIVATE_BUFFER_BYTES))
    shared = _shared_buffers.get(loop)
    if shared is None:
        shared = _shared_buffers[loop] = _viewed(bytearray(SHARED_BUFFER_BYTES))
    return shared


def _viewed(memory: bytearray) -> tuple[bytearray, memoryview]:
    return memory, memoryview(memory)


def _duplicate_socket(transport: Any) -> socket.socket | None:
    """Return a duplicate of a transport's socket; `None` if it has none, or has closed it."""
    own = extra_info(transport, "socket")
    with contextlib.suppress(Exception):
        # The duplicate shares the flags of the descriptor, which does not block.
        return _socket_of(socket.dup(own.fileno()), own)
    return None


def _socket_of(fd: int, like: socket.socket) -> socket.socket:
    """Make a socket that owns `fd`; if that fails, close it, which `socket.fromfd` does not."""
    try:
        return socket.socket(like.family, like.type, fileno=fd)
    except BaseException:
        socket.close(fd)
        raise


class ChannelProtocol:
    """The transport's callbacks (`asyncio.BufferedProtocol`).

    The event loop holds a reference to it while the transport is open. A connection that the
    program has dropped must not stay alive because of that. So the reference from here to the
    channel is weak until closing begins. Waiting tasks hold the channel, and the lists of waiters
    that are kept here hold these tasks.
    """

    def __init__(
        self,
        channel: Channel,
        opening: OpeningHandshake,
        agree: Callable[[Any], Opened],
        opened: asyncio.Future[None],
    ) -> None:
        """Prepare for a transport.

        Args:
            channel: the data path.
            opening: the opening handshake.
            agree: called with the transport at the end of the handshake. Returns the results of
                the opening, or raises `HandshakeError`.
            opened: done when the channel is open or the handshake has failed.
        """
        self._channel = ref(channel)
        self._kept: Channel | None = None
        self._receivers: list[Any] | None = channel._inbox.waiting()
        self._senders: list[Any] | None = channel._outbox._waiters
        # Created when needed, so that an idle connection takes little memory.
        self._awaited: list[Any] | None = None
        self._parser = channel._parser
        channel._protocol = self
        # A receive, an iteration or the wait of a send keeps the channel alive.
        channel._inbox._owner = channel
        channel._outbox._owner = channel
        self._opening: OpeningHandshake | None = opening
        self._agree: Callable[[Any], Opened] | None = agree
        self._opened: asyncio.Future[None] | None = opened
        self._memory, self._whole = _read_buffer(channel._loop)
        # The part of the memory that one read may fill.
        self._view = self._whole
        self._is_in_place = False
        self._transport: asyncio.Transport | None = None

    def hold(self, channel: Channel) -> None:
        """Keep the connection alive until its transport is closed: closing has begun."""
        self._kept = channel
        # The garbage collector may have cleared the weak reference.
        self._channel = ref(channel)

    def reach(self, awaited: Any) -> None:
        """Hold a strong reference to `awaited`, and so to the tasks that wait for it."""
        if self._awaited is None:
            self._awaited = []
        self._awaited.append(awaited)

    def connection_made(self, transport: Any) -> None:
        """Keep the transport.

        Nothing is written here. On uvloop, a write that fails inside this call closes the
        descriptor before the socket object is attached. That object then closes the same number
        again later, which may be another file by then.
        """
        self._transport = transport
        if self._opening is not None and self._opening.offers_compression:
            self._view = self._view[:COMPRESSED_READ_BYTES]

    def send_request(self) -> None:
        """Send the request of the opening handshake, unless the transport is lost already."""
        transport = self._transport
        if self._opening is not None and transport is not None and not transport.is_closing():
            transport.write(self._opening.request())

    def get_buffer(self, sizehint: int) -> memoryview:
        """Return memory to read into; it is valid until the next callback."""
        view = self._parser.get_buffer()
        self._is_in_place = view is not None
        return self._view if view is None else view

    def buffer_updated(self, nbytes: int) -> None:
        """Process `nbytes` that were read into the memory that `get_buffer` returned."""
        channel: Channel | None = referent(self._channel)
        if channel is None:
            # The program has dropped the connection, which is about to be aborted.
            return
        if self._is_in_place:
            self._is_in_place = False
            channel._read_in_place(nbytes)
        elif self._opening is None:
            channel._read(self._memory, nbytes)
        elif self._opening.receive_data(bytes(self._view[:nbytes])):
            self._end_opening()

    def eof_received(self) -> None:
        """End the opening handshake, or notify the channel; the transport closes itself."""
        channel: Channel | None = referent(self._channel)
        if self._opening is not None:
            self._end_opening_at_eof(None)
        elif channel is not None:
            read_tls = self._tls_reader()
            if read_tls is not None:
                # asyncio's TLS ends after the first read, if reading was paused.
                channel._read_flow.detach()
                if self._decrypt_rest(channel, read_tls) > 0:
                    return
            channel._parse_all()
            channel._closing.eof_received()

    def write_failed(self, exc: OSError) -> None:
        """Report that a write has failed while the transport still reads."""
        channel: Channel | None = referent(self._channel)
        if channel is not None:
            channel._closing.write_failed(exc)

    def connection_lost(self, exc: Exception | None) -> None:
        """Notify the channel that the transport is closed."""
        try:
            self._end(exc)
        except MemoryError:
            # Everyone who waits depends on this, and nothing will call it again.
            self._end(exc)

    def _end(self, exc: Exception | None) -> None:
        channel: Channel | None = referent(self._channel)
        if channel is not None and not channel._ignores_reads:
            self._read_rest(channel, exc)
        if self._opening is not None:
            self._end_opening_at_eof(exc)
        if channel is not None:
            channel._parse_all()
            channel._closing.connection_lost(exc)
        self._kept = None
        self._receivers = self._senders = self._awaited = None

    def read_left(self, exc: OSError, lost: Any, reader: Any) -> None:
        """Read what has arrived in the socket of a transport that is lost, and not closed yet.

        Args:
            exc: why it is lost: the error of a read or of a write.
            lost: the transport.
            reader: takes the bytes: this protocol, or that of TLS, which hands them on to it.
        """
        channel: Channel | None = referent(self._channel)
        if channel is None or channel._ignores_reads:
            return
        own = _duplicate_socket(lost)
        if own is None:
            return
        with own:
            # Only what has arrived by now: a peer that goes on sending must not hold up the loop.
            left = count_readable(own.fileno())
            # A read meets an error only when nothing is left.
            self._end_writing(channel, exc, left > 0)
            if reader is not self and self._transport is not None:
                # TLS may be paused, and holds back what it has decrypted.
                self._transport.resume_reading()
                reader.buffer_updated(0)
            while left > 0 and self._has_room(channel):
                try:
                    size = own.recv_into(reader.get_buffer(-1))
                except OSError:
                    return
                if not size:
                    return
                left -= size
                reader.buffer_updated(size)

    def _read_rest(self, channel: Channel, exc: Exception | None) -> None:
        """Read what is left in a transport that gave up.

        uvloop's transports end both directions when a write fails. Their descriptor is still open
        here, and what has arrived is still in it. A transport with TLS has closed its own before,
        but may hold data that it has not decrypted yet.
        """
        read_tls = self._tls_reader()
        if read_tls is not None:
            self._end_writing(channel, exc, False)
            if self._decrypt_rest(channel, read_tls) == 0:
                channel._parse_all()
                channel._closing.eof_received()
        elif isinstance(exc, OSError):
            self.read_left(exc, self._transport, self)

    def _tls_reader(self) -> Callable[[int, memoryview], int] | None:
        """Return the function that decrypts what TLS holds; `None` without TLS."""
        read: Callable[[int, memoryview], int] | None = getattr(
            extra_info(self._transport, "ssl_object"), "read", None
        )
        return read

    def _decrypt_rest(self, channel: Channel, read_tls: Callable[[int, memoryview], int]) -> int:
        """Read what TLS holds.

        Returns:
            0 at the peer's end, -1 if there is no whole record left; else there was no more room.
        """
        while True:
            view = self.get_buffer(-1)
            try:
                size = read_tls(len(view), view)
            except OSError:
                return -1
            if size:
                self.buffer_updated(size)
            if not size or not self._has_room(channel):
                return size

    def _end_writing(self, channel: Channel, exc: Exception | None, is_of_write: bool) -> None:
        """Let nothing be sent from now on, nor reading be paused: the transport is lost.

        Args:
            channel: the channel.
            exc: why the transport is lost, if there was an error.
            is_of_write: whether it is known to be the error of a write.
        """
        if self._opening is None:
            channel._read_flow.detach()
            error = exc if isinstance(exc, OSError) else None
            # No read ends with a broken pipe.
            is_known = is_of_write or isinstance(exc, BrokenPipeError)
            channel._closing.write_failed(error if is_known else None)

    def _has_room(self, channel: Channel) -> bool:
        """Return whether one more read is bounded in memory, although nothing can pause it."""
        # What was read before counts only when it is parsed.
        channel._parse_all()
        # Compressed data inflates to 1032 times its size at most; other data is as large as it is.
        # A connection that is closing drops what the queue has no room for.
        opened = channel._opened
        is_compressed = opened is not None and opened.compression is not None
        is_limited = is_compressed and not channel._bounds._is_finished
        return not is_limited or channel.pending.bytes <= channel._max_waiting

    def pause_writing(self) -> None:
        """Make senders wait."""
        channel: Channel | None = referent(self._channel)
        if channel is not None:
            channel._outbox.pause_writing()

    def resume_writing(self) -> None:
        """Let senders continue."""
        channel: Channel | None = referent(self._channel)
        if channel is not None:
            channel._on_resume_writing()

    def _end_opening_at_eof(self, cause: Exception | None) -> None:
        # If `opened` is done, the opening was given up: the server did not end the stream.
        if self._opening is not None and self._opened is not None and not self._opened.done():
            self._opening.receive_eof()
        self._end_opening(cause)

    def _end_opening(self, cause: Exception | None = None) -> None:
        """Open the channel, or let the opening fail with the error of `agree`."""
        opening, agree, opened = self._opening, self._agree, self._opened
        # Drop everything that belongs to the opening.
        self._opening = self._agree = self._opened = None
        channel: Channel | None = referent(self._channel)
        if opening is None or agree is None or opened is None or opened.done() or channel is None:
            return
        try:
            if self._transport is None:
                raise HandshakeError("the server answered before it was asked")
            agreed = agree(self._transport)
            channel._open(self._transport, agreed)
        except Exception as exc:
            channel._closing.abort()
            exc.__cause__ = cause
            opened.set_exception(exc)
            return
        if agreed.compression is None:
            self._view = self._whole
        opened.set_result(None)
        if opening.trailing_data:
            channel._read(opening.trailing_data, len(opening.trailing_data))


class BufferedChannelProtocol(ChannelProtocol, asyncio.BufferedProtocol):
    """A `ChannelProtocol` that asyncio's own transports accept."""

    __slots__ = ()
