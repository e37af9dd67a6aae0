"""Keep-alive: sends Pings in the background, and fails a connection whose peer does not answer."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from .._base.close_info import CloseCause
from .._base.rfc6455 import OPCODE_PING
from .departure import DEPARTURE_LOOKS, Departure
from .timer import Timer

if TYPE_CHECKING:
    from .._channel import Channel

# Before the connection is failed, the event loop gets this time to read the socket once more: it
# may have been blocked, and uvloop runs timers before it looks at sockets.
LAST_LOOK_SECONDS = 0.001
PREFIX_BYTES = 8


# Fails the connection, called with the cause and the reason in words.
GiveUp: TypeAlias = Callable[[CloseCause, str], None]


class KeepAlive:
    """Sends Pings on one connection, with one timer (RFC 6455 section 5.5.2).

    Any byte of the peer counts as an answer. The time for it starts when the Ping has left: while
    bytes before it are leaving, the link is slow, not dead.

    While reading is held back, because the queue is full, no answer could be read. Then no Ping is
    sent, and the connection is not failed. Nor is it failed during a batch window.

    Args:
        channel: the data path.
        give_up: fails the connection.
        timeout: seconds within which the peer must be heard after a Ping; `None` for no limit.
        only_in_silence: send a Ping only when no byte has arrived for an interval.
    """

    __slots__ = (
        "__weakref__",
        "_asked_at",
        "_asked_clock",
        "_channel",
        "_count",
        "_departure",
        "_give_up",
        "_has_asked",
        "_interval",
        "_only_in_silence",
        "_prefix",
        "_progress",
        "_timeout",
        "_timer",
        "_waited",
        "asked_with",
    )

    def __init__(
        self,
        channel: Channel,
        give_up: GiveUp,
        timeout: float | None,
        *,
        only_in_silence: bool = False,
    ) -> None:
        self._channel = channel
        self._give_up = give_up
        self._only_in_silence = only_in_silence
        self._interval = 0.0
        self._timeout = timeout
        self._timer = Timer(channel._loop, self)
        # Random, so that a Ping of the program begins with the same bytes only by a chance of 1 in
        # 2^64.
        self._prefix = b""
        self._count = 0
        # The payload of the last Ping, until its Pong arrives, and when the Ping was sent.
        self.asked_with: bytes | None = None
        self._asked_clock = 0.0
        self._asked_at = 0.0
        self._progress = 0
        # What had to leave before the last Ping; `None` if nothing did, or it has left.
        self._departure: Departure | None = None
        # Whether a Ping was sent the last time that it was due.
        self._has_asked = False
        # Seconds from the last Ping to the next check.
        self._waited = 0.0

    def start(self, interval: float) -> None:
        """Send a Ping every `interval` seconds from now on."""
        self.stop()
        self._interval = interval
        self._asked_at = self._channel._loop.time()
        self._at(interval, KeepAlive._ask)

    def stop(self) -> None:
        """Send no more Pings; the last one may still be answered."""
        self._timer.cancel()

    def owns(self, payload: bytes) -> bool:
        """Return whether this is the payload of a keep-alive Ping."""
        return bool(self._prefix) and payload.startswith(self._prefix)

    def round_trip(self, payload: bytes) -> float | None:
        """Return the seconds since the last Ping, if this is its payload and its first Pong."""
        if payload != self.asked_with:
            return None
        self.asked_with = None
        return time.perf_counter() - self._asked_clock

    def _ask(self) -> None:
        channel = self._channel
        self._progress = channel._read_flow.progress()
        self._asked_at = channel._loop.time()
        self._departure = None
        self._has_asked = False
        rest = self._rest()
        if rest > 0:
            self._at(rest, KeepAlive._ask)
            return
        departure = Departure(channel)
        # If the transport is full, the Ping would only wait behind other frames.
        if not channel._outbox.is_paused() and not channel._outbox.refuses_sends():
            self._send()
        if self._timeout is None:
            self._at(self._interval, KeepAlive._ask)
            return
        if not departure.is_over():
            self._departure = departure
        self._waited = 0.0
        self._wait(self._timeout)

    def _rest(self) -> float:
        """Return for how many seconds no Ping is to be sent."""
        read_flow = self._channel._read_flow
        if read_flow.is_held_back():
            return self._interval
        if not self._only_in_silence:
            return 0.0
        return self._interval - (time.monotonic() - read_flow._arrived_at)

    def _send(self) -> None:
        if not self._prefix:
            self._prefix = secrets.token_bytes(PREFIX_BYTES)
        self._count += 1
        payload = self._prefix + self._count.to_bytes(8, "big")
        self._has_asked = True
        self.asked_with = payload
        self._asked_clock = time.perf_counter()
        self._channel._send_control(OPCODE_PING, payload)
        # An event loop without memory may have lost the call that writes what is gathered.
        self._channel._outbox.flush()

    def _wait(self, timeout: float) -> None:
        """Check once per interval, so that with a long timeout Pings continue after an answer."""
        pause = self._interval
        if self._departure is not None:
            pause = min(pause, timeout / DEPARTURE_LOOKS)
        self._waited = min(self._waited + pause, timeout)
        self._at(self._waited, KeepAlive._look)

    def _look(self) -> None:
        timeout = self._timeout or 0.0
        if self._is_heard():
            return
        if self._departure is not None and self._departure.look():
            self._start_anew(self._departure)
        elif self._waited < timeout:
            self._wait(timeout)
        else:
            # From now on, however late this check is.
            late = self._channel._loop.time() - self._asked_at
            self._at(late + LAST_LOOK_SECONDS, KeepAlive._end)

    def _start_anew(self, departure: Departure) -> None:
        """Give the peer its full time again: bytes have left since the last look."""
        if departure.is_over():
            self._departure = None
            if not self._has_asked:
                # There was no room for a Ping before.
                self._ask()
                return
        self._asked_at = self._channel._loop.time()
        self._waited = 0.0
        self._wait(self._timeout or 0.0)

    def _end(self) -> None:
        if not self._is_heard():
            reason = f"no answer within ping_timeout ({self._timeout:g} seconds)"
            self._give_up(CloseCause.PING_TIMEOUT, reason)

    def _is_heard(self) -> bool:
        """Return whether the peer was heard, or cannot be heard now; if so, set the timer."""
        read_flow = self._channel._read_flow
        if read_flow.progress() == self._progress and not read_flow.is_paused():
            return False
        self._at(self._interval, KeepAlive._ask)
        return True

    def _at(self, delay: float, step: Callable[[KeepAlive], None]) -> None:
        """Call `step` when `delay` seconds have passed since the last Ping, or since `start`."""
        self._timer.at(self._asked_at + delay, step)
