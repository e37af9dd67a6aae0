"""Pauses reading while the queue is full, and lets a transport read once per batch window.

Does not see the data.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import monotonic

# If one turn of the event loop reads this much, more data probably waits. That is enough for a
# batch, and a window would only limit the throughput.
FULL_TURN_BYTES = 64 * 1024

# When a second read in a window finds nothing, the next windows, as many as this, do only one read.
# If the server is not held back, the second read is a tenth of a window's cost.
SINGLE_READS = 15


class ReadFlow:
    """Pauses and resumes the reading of one transport, for two reasons that may overlap."""

    def __init__(self, loop: asyncio.AbstractEventLoop, batch_window: float) -> None:
        self._loop = loop
        self._transport: asyncio.Transport | None = None
        # The transport's method that reads once although reading is paused, if it has one.
        self._read_waiting: Callable[[], int] | None = None
        # How many `hold_back`s are in force.
        self._holds = 0
        # In seconds; 0 for none.
        self._window = batch_window
        # The end of the window in which nothing is read.
        self._timer: asyncio.TimerHandle | None = None
        # Called to parse what was read and set aside; `None` if all was parsed.
        self._parse_more: Callable[[], object] | None = None
        self._parses_soon = False
        self._turn_is_open = False
        self._turn_bytes = 0
        # How many more windows do only one read.
        self._single_reads = 0
        # Counts the reads, and the ends of pauses: after a pause the peer needs time to be heard.
        self._progress = 0
        # Counts the bytes read.
        self._bytes = 0
        # The time of the last read, by `time.monotonic`; 0 before the first.
        self._arrived_at = 0.0
        # Counts the pauses by `hold_back`, and the seconds of the pauses that are over.
        self._pauses = 0
        self._seconds_held = 0.0
        self._held_since = 0.0

    def attach(self, transport: asyncio.Transport) -> None:
        """Begin to pause and resume a transport, which is reading."""
        self._transport = transport
        self._read_waiting = getattr(transport, "read_waiting", None)

    def detach(self) -> None:
        """Stop using the transport: it is closed."""
        self._transport = None
        self._read_waiting = None

    def is_paused(self) -> bool:
        """Whether reading is paused, for either reason."""
        return self._holds > 0 or self._timer is not None

    def is_held_back(self) -> bool:
        """Whether a `hold_back` is in force: nothing is read until it is released."""
        return self._holds > 0

    def progress(self) -> int:
        """Return a number that changes with each read and with the end of each pause."""
        return self._progress

    def seconds_held(self) -> float:
        """Count the seconds for which `hold_back` was in force."""
        if not self._holds:
            return self._seconds_held
        return self._seconds_held + (monotonic() - self._held_since)

    def hold_back(self) -> bool:
        """Stop reading until `release` was called as often; return whether that is possible."""
        if not self._can_pause():
            return False
        self._holds += 1
        if self._holds == 1:
            self._pauses += 1
            self._held_since = monotonic()
            if self._timer is None and self._parse_more is None:
                self._pause()
        return True

    def release(self) -> None:
        """Undo one `hold_back`; after the last, read again, at the end of an open window if any."""
        if self._holds:
            self._holds -= 1
            if self._holds:
                return
            self._seconds_held += monotonic() - self._held_since
            # What was read does not wait for a window to end.
            if self._timer is None or self._parse_more is not None:
                self._resume_or_hold()

    def set_aside(self, parse_more: Callable[[], object]) -> None:
        """Read nothing until `parsed_all`: a part of what was read is parsed in a later turn.

        This is no pause: data is there. It waits for a `hold_back` to be released.

        Args:
            parse_more: called in the next turn, to parse as much as one turn may.
        """
        if self._parse_more is None and not self._holds and self._timer is None:
            self._pause()
        self._parse_more = parse_more
        if not self._holds:
            self._parse_soon()

    def parsed_all(self) -> None:
        """Read again, unless there is another reason not to."""
        self._parse_more = None
        if not self._holds and self._timer is None:
            self._resume()

    def _parse_soon(self) -> None:
        if not self._parses_soon:
            self._loop.call_soon(self._parse_now)
            self._parses_soon = True

    def _parse_now(self) -> None:
        self._parses_soon = False
        self._progress += 1
        # If reading is held back, its release comes here again.
        if self._parse_more is not None and not self._holds:
            self._parse_more()

    def arrived(self, size: int) -> None:
        """Count a read of `size` bytes; a window opens at the end of this turn of the loop."""
        self._progress += 1
        self._bytes += size
        self._arrived_at = monotonic()
        if not self._window:
            return
        self._turn_bytes += size
        if not self._turn_is_open:
            self._loop.call_soon(self._end_turn)
            self._turn_is_open = True

    def finish(self) -> None:
        """Read without pauses from now on: the connection is closing."""
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
            # The timer comes first: a pause without it would never end.
            self._timer = self._loop.call_later(self._window, self._end_window)
            if not self._holds and self._parse_more is None:
                self._pause()

    def _end_window(self) -> None:
        self._timer = None
        if self._holds or self._parse_more is not None:
            return
        try:
            if not self._read_in_window():
                self._resume()
        except BaseException:
            self._timer = self._loop.call_later(self._window, self._end_window)
            raise

    def _read_in_window(self) -> bool:
        """Read and open the next window, if the transport can read without being resumed.

        While messages keep coming, a window then costs one timer and its reads. Resuming and
        pausing would cost two more system calls and one more turn of the event loop.

        Returns:
            Whether the next window is open.
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
        """Read the data that has gathered during a window; return the number of bytes."""
        size = read_waiting()
        if size <= 0 or self._holds or self._parse_more is not None:
            return size
        if self._single_reads:
            self._single_reads -= 1
            return size
        # The first read makes room in TCP's receive window, so the server sends what it held back.
        # That data arrives at once; without a second read it would be one window late.
        more = read_waiting()
        self._single_reads = 0 if more > 0 else SINGLE_READS
        return size + max(more, 0)

    def _can_pause(self) -> bool:
        return self._transport is not None and not self._transport.is_closing()

    def _pause(self) -> None:
        if self._transport is not None:
            self._transport.pause_reading()

    def _resume_or_hold(self) -> None:
        """Read again; if that fails, the hold stays in force."""
        try:
            self._resume()
        except BaseException:
            self._holds += 1
            self._held_since = monotonic()
            raise

    def _resume(self) -> None:
        self._progress += 1
        if self._parse_more is not None:
            self._parse_soon()
        elif self._can_pause() and self._transport is not None:
            self._transport.resume_reading()
