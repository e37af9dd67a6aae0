"""When a transport may read: not while the queue is full, and once in a batch window.

Must not know what is read.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import monotonic

# Where one turn of the event loop brings as much as this, more is likely to wait: then there
# is enough for a batch, and a window would only limit the throughput.
FULL_TURN_BYTES = 64 * 1024

# When a second read in a window found nothing, so many windows do without: where the server is not
# held back, it is a tenth of what a window costs.
SINGLE_READS = 15


class ReadFlow:
    """Pauses and resumes the reading of one transport, for two reasons that may overlap."""

    def __init__(self, loop: asyncio.AbstractEventLoop, batch_window: float) -> None:
        self._loop = loop
        self._transport: asyncio.Transport | None = None
        # The transport's way to read once although reading is paused, if it has one.
        self._read_waiting: Callable[[], int] | None = None
        # How many `hold_back`s are in force.
        self._holds = 0
        # In seconds; 0 for none.
        self._window = batch_window
        # The end of the window in which nothing is read.
        self._timer: asyncio.TimerHandle | None = None
        self._turn_is_open = False
        self._turn_bytes = 0
        # How many windows more are read only once.
        self._single_reads = 0
        # Counts the reads, and the ends of pauses, after which the peer needs time to be heard.
        self._progress = 0
        # Counts the bytes read.
        self._bytes = 0
        # When the last of them were, by `time.monotonic`; 0 before the first.
        self._arrived_at = 0.0
        # Counts the pauses by `hold_back`, and the seconds of those that are over.
        self._pauses = 0
        self._seconds_held = 0.0
        self._held_since = 0.0

    def attach(self, transport: asyncio.Transport) -> None:
        """Begin to pause and resume a transport that reads."""
        self._transport = transport
        self._read_waiting = getattr(transport, "read_waiting", None)

    def detach(self) -> None:
        """Leave the transport alone from now on: it is gone."""
        self._transport = None
        self._read_waiting = None

    def is_paused(self) -> bool:
        """Whether nothing is read now, for whatever reason."""
        return self._holds > 0 or self._timer is not None

    def progress(self) -> int:
        """Return a number that stays the same only while the peer is listened to and silent."""
        return self._progress

    def seconds_held(self) -> float:
        """Count the seconds for which `hold_back` was in force."""
        if not self._holds:
            return self._seconds_held
        return self._seconds_held + (monotonic() - self._held_since)

    def hold_back(self) -> bool:
        """Stop reading until as many `release`s; `False` if there is nothing to stop."""
        if not self._can_pause():
            return False
        self._holds += 1
        if self._holds == 1:
            self._pauses += 1
            self._held_since = monotonic()
            if self._timer is None:
                self._pause()
        return True

    def release(self) -> None:
        """Read again after each `hold_back`, at the end of the window if one is open."""
        if self._holds:
            self._holds -= 1
            if self._holds:
                return
            self._seconds_held += monotonic() - self._held_since
            if self._timer is None:
                self._resume()

    def arrived(self, size: int) -> None:
        """Take note of a read; open a window after all that this turn of the loop reads."""
        self._progress += 1
        self._bytes += size
        self._arrived_at = monotonic()
        if not self._window:
            return
        self._turn_bytes += size
        if not self._turn_is_open:
            self._turn_is_open = True
            self._loop.call_soon(self._end_turn)

    def finish(self) -> None:
        """Read without any pause from now on: the connection is closing."""
        self._window = 0
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
            if not self._holds:
                self._resume()
        self._holds = min(self._holds, 1)
        self.release()

    def _end_turn(self) -> None:
        is_full = self._turn_bytes >= FULL_TURN_BYTES
        self._turn_is_open = False
        self._turn_bytes = 0
        if self._window and not is_full and self._timer is None and self._can_pause():
            if not self._holds:
                self._pause()
            self._timer = self._loop.call_later(self._window, self._end_window)

    def _end_window(self) -> None:
        self._timer = None
        if self._holds:
            return
        if not self._read_in_window():
            self._resume()

    def _read_in_window(self) -> bool:
        """Read and open the next window, where that can be done without resuming.

        While messages keep coming, a window then costs one timer and its reads: to resume and
        pause reading is two system calls and a turn of the event loop more.
        """
        if self._read_waiting is None or not self._window:
            return False
        self._turn_is_open = True
        size = self._read_all(self._read_waiting)
        self._turn_is_open = False
        self._turn_bytes = 0
        if not 0 < size < FULL_TURN_BYTES or not self._window:
            return False
        self._timer = self._loop.call_later(self._window, self._end_window)
        return True

    def _read_all(self, read_waiting: Callable[[], int]) -> int:
        """Read what a window has gathered."""
        size = read_waiting()
        if size <= 0 or self._holds:
            return size
        if self._single_reads:
            self._single_reads -= 1
            return size
        # The first read lets TCP tell the server to go on: what that held back arrives at
        # once, and would be a window late if it were left.
        more = read_waiting()
        self._single_reads = 0 if more > 0 else SINGLE_READS
        return size + max(more, 0)

    def _can_pause(self) -> bool:
        return self._transport is not None and not self._transport.is_closing()

    def _pause(self) -> None:
        if self._transport is not None:
            self._transport.pause_reading()

    def _resume(self) -> None:
        self._progress += 1
        if self._can_pause() and self._transport is not None:
            self._transport.resume_reading()
