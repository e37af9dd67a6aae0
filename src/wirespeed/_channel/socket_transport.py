"""The transport of an unencrypted connection on asyncio's own event loop.

Reads and writes one socket. Does not parse frames or messages.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections import deque
from typing import TYPE_CHECKING, Any

from .._codec.backend import receive_into, send_some
from .protocol import ChannelProtocol

if TYPE_CHECKING:
    from typing_extensions import Buffer

HIGH_WATER_BYTES = 64 * 1024


class SocketTransport:
    """The interface of `asyncio.Transport`, for a connected socket and a `ChannelProtocol`.

    When both classes are compiled, no Python call lies between the event loop and the protocol.
    An idle transport holds no buffers.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, sock: socket.socket, protocol: ChannelProtocol
    ) -> None:
        self._loop = loop
        self._sock = sock
        self._fd = sock.fileno()
        self._protocol = protocol
        # The data that the socket has not accepted yet.
        self._backlog: deque[Buffer] | None = None
        self._backlog_bytes = 0
        self._high_water = HIGH_WATER_BYTES
        self._low_water = HIGH_WATER_BYTES // 4
        self._writing_is_paused = False
        self._reading_is_paused = True
        self._eof_is_due = False
        self._is_closing = False
        self._is_lost = False
        # A write has failed.
        self._is_broken = False
        # Kept after the end, when the socket no longer reports it.
        self._last_name: Any = None

    def start(self) -> None:
        """Call the protocol's `connection_made`, and begin to read."""
        self._protocol.connection_made(self)
        self.resume_reading()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Return `socket`, `peername` or `sockname`; after the end only `sockname` is known."""
        if name == "socket":
            return self._sock
        try:
            if name == "peername":
                return self._sock.getpeername()
            if name == "sockname":
                return self._sock.getsockname()
        except OSError:
            if name == "sockname" and self._last_name is not None:
                return self._last_name
        return default

    # -- reading -----------------------------------------------------------------------

    def pause_reading(self) -> None:
        """Stop reading; arriving data stays in the socket."""
        if not self._reading_is_paused:
            self._loop.remove_reader(self._fd)
            self._reading_is_paused = True

    def resume_reading(self) -> None:
        """Read arriving data again."""
        if self._reading_is_paused and not self._is_closing:
            try:
                self._loop.add_reader(self._fd, self.read_waiting)
            except OSError as exc:
                # The system can watch no more sockets.
                self._lose(exc)
                return
            self._reading_is_paused = False

    def read_waiting(self) -> int:
        """Read once what waits in the socket, also while reading is paused.

        If data is left, the event loop calls this again, unless reading is paused.

        Returns:
            The number of bytes read; less than 1 if no data waited, or the stream has ended.
        """
        if self._is_closing:
            return 0
        size = 0
        try:
            size = receive_into(self._sock, self._fd, self._protocol.get_buffer(-1))
            if size > 0:
                self._protocol.buffer_updated(size)
            elif size == 0:
                self._protocol.eof_received()
                self.close()
        except OSError as exc:
            self._lose(exc)
        except Exception as exc:
            self._lose(exc)
            self._report(exc)
        return size

    # -- writing -----------------------------------------------------------------------

    def write(self, data: bytes) -> None:
        """Send now, or as soon as the socket accepts it; `data` must not change any more."""
        if self._is_closing or self._eof_is_due or self._is_broken:
            return
        if self._backlog_bytes == 0:
            try:
                size = send_some(self._sock, self._fd, data)
            except OSError as exc:
                self._backlog_bytes = len(data)
                self._break(exc)
                return
            if size == len(data):
                return
            try:
                self._loop.add_writer(self._fd, self._write_ready)
                self._keep(memoryview(data)[max(size, 0) :])
            except OSError as exc:
                # Part of the data may have left, so nothing can follow it.
                self._lose(exc)
            except MemoryError as exc:
                # The stream has a gap.
                self._lose(exc)
                raise
        else:
            self._keep(data)
        self._pause_if_full()

    def set_write_buffer_limits(self, high: int) -> None:
        """Pause the protocol's writing above `high` bytes, and resume it at a fourth of that."""
        self._high_water = high
        self._low_water = high // 4
        self._pause_if_full()

    def get_write_buffer_size(self) -> int:
        """Count the bytes that the socket has not accepted; kept after the end."""
        return self._backlog_bytes

    def can_write_eof(self) -> bool:
        """Return `True`: the sending side can be closed alone."""
        return True

    def write_eof(self) -> None:
        """Close the sending side, after all written data was sent."""
        if self._is_closing or self._eof_is_due or self._is_broken:
            return
        self._eof_is_due = True
        if self._backlog_bytes == 0:
            self._shut_down()

    def _break(self, exc: OSError) -> None:
        """Write nothing more. Reading goes on: what has arrived is still in the socket."""
        self._is_broken = True
        if self._backlog is not None:
            self._backlog = None
            self._loop.remove_writer(self._fd)
        self._protocol.write_failed(exc)

    def _keep(self, data: Buffer) -> None:
        if self._backlog is None:
            self._backlog = deque()
        self._backlog.append(data)
        self._backlog_bytes += len(memoryview(data))

    def _write_ready(self) -> None:
        """Send as much of the backlog as the socket accepts."""
        backlog = self._backlog
        while backlog:
            data = memoryview(backlog[0])
            try:
                size = send_some(self._sock, self._fd, data)
            except OSError as exc:
                self._break(exc)
                return
            if size < 0:
                break
            self._backlog_bytes -= size
            if size < len(data):
                try:
                    backlog[0] = data[size:]
                except MemoryError as exc:
                    # What was sent would be sent again.
                    self._lose(exc)
                    raise
                break
            backlog.popleft()
        if not backlog:
            self._backlog = None
            self._loop.remove_writer(self._fd)
        self._resume_if_low()
        # The resumed senders may have written more, or closed the transport.
        if self._backlog_bytes == 0:
            self._after_backlog()

    def _after_backlog(self) -> None:
        if self._is_closing:
            self._schedule_end(None)
        elif self._eof_is_due:
            self._shut_down()

    def _shut_down(self) -> None:
        try:
            self._sock.shutdown(socket.SHUT_WR)
        except OSError as exc:
            self._break(exc)

    def _pause_if_full(self) -> None:
        if self._backlog_bytes > self._high_water and not self._writing_is_paused:
            self._writing_is_paused = True
            self._protocol.pause_writing()

    def _resume_if_low(self) -> None:
        if self._writing_is_paused and self._backlog_bytes <= self._low_water:
            self._writing_is_paused = False
            try:
                self._protocol.resume_writing()
            except Exception as exc:
                self._report(exc)

    # -- closing -----------------------------------------------------------------------

    def is_closing(self) -> bool:
        """Whether the transport is closed, or will be once all written data was sent."""
        return self._is_closing

    def close(self) -> None:
        """Close the transport after all written data was sent."""
        if self._is_closing:
            return
        self._stop_reading()
        if self._backlog_bytes == 0 or self._is_broken:
            self._schedule_end(None)

    def abort(self) -> None:
        """Close the transport at once."""
        self._lose(None)

    def _stop_reading(self) -> None:
        self.pause_reading()
        self._is_closing = True

    def _lose(self, exc: Exception | None) -> None:
        """Close the transport at once; `exc` is the reason, if any."""
        try:
            self._drop(exc)
        except MemoryError:
            # Everyone who waits depends on this. The attempt that failed has freed something.
            self._drop(exc)

    def _drop(self, exc: Exception | None) -> None:
        self._stop_reading()
        if self._backlog is not None:
            self._loop.remove_writer(self._fd)
            self._backlog = None
        self._schedule_end(exc)

    def _schedule_end(self, exc: Exception | None) -> None:
        # More than once if asked more than once: an event loop without memory can lose the call.
        if not self._is_lost:
            self._loop.call_soon(self._end, exc)

    def _end(self, exc: Exception | None) -> None:
        if self._is_lost:
            return
        self._is_lost = True
        try:
            self._last_name = self.get_extra_info("sockname")
        finally:
            try:
                self._protocol.connection_lost(exc)
            finally:
                # The descriptor is free, whatever the system reports.
                with contextlib.suppress(OSError):
                    self._sock.close()

    def _report(self, exc: Exception) -> None:
        """Pass an unexpected error of a callback to the loop's exception handler."""
        self._loop.call_exception_handler(
            {"message": "wirespeed: a transport's callback failed", "exception": exc}
        )
