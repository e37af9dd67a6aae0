"""Monitors one open connection: keep-alive, Pings, the idle timeout and heartbeats."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from .._base.arguments import check_seconds
from .._base.latency import Latency, measured
from .heartbeat import Heart, Heartbeat, check_heartbeat
from .idle import IdleWatch
from .keep_alive import KeepAlive
from .pings import Pings

if TYPE_CHECKING:
    from collections.abc import Callable

    from .._base.close_info import CloseCause
    from .._channel import Channel


class WatchedClosing(Protocol):
    """The state of closing of the connection that is watched."""

    channel: Channel

    @property
    def has_ended(self) -> bool:
        """Whether nothing more is received."""

    def give_up(self, cause: CloseCause, reason: str) -> None:
        """Fail the connection because of a silent peer."""

    def end_of_messages(self) -> BaseException:
        """Make the error of a wait that comes after the end."""


class Watch:
    """The timers of one connection, its Pings and its Pongs.

    Args:
        ping_interval: seconds between two keep-alive Pings; `None` sends none.
        ping_timeout: seconds within which the peer must be heard after one; `None` for no limit.
        heartbeat: messages to send in addition to Pings; `None` for no such messages.
        idle_timeout: seconds without a message before the connection is failed; `None` for no
            limit.

    Attributes:
        latency: the last round trip of a Ping and the moving average; `None` before the first.
    """

    __slots__ = (
        "_closing",
        "_heart",
        "_heartbeat",
        "_idle_timeout",
        "_idle_watch",
        "_keep_alive",
        "_ping_interval",
        "_ping_timeout",
        "_pings",
        "latency",
    )

    def __init__(
        self,
        *,
        ping_interval: float | None,
        ping_timeout: float | None,
        heartbeat: Heartbeat | None,
        idle_timeout: float | None,
    ) -> None:
        check_seconds("ping_interval", ping_interval, over_zero=True)
        check_seconds("ping_timeout", ping_timeout, over_zero=True)
        check_seconds("idle_timeout", idle_timeout, over_zero=True)
        if heartbeat is not None:
            check_heartbeat(heartbeat)
        self._ping_interval = ping_interval
        self._ping_timeout = ping_timeout
        self._heartbeat = heartbeat
        self._idle_timeout = idle_timeout
        self.latency: Latency | None = None
        self._closing: WatchedClosing | None = None
        # Created when needed, so that an idle connection takes little memory.
        self._keep_alive: KeepAlive | None = None
        self._pings: Pings | None = None
        self._idle_watch: IdleWatch | None = None
        self._heart: Heart | None = None

    def start(self, closing: WatchedClosing) -> None:
        """Start the timers: the connection is open."""
        self._closing = closing
        channel, give_up = closing.channel, closing.give_up
        if self._ping_interval is not None:
            self.start_keep_alive(self._ping_interval)
        if self._idle_timeout is not None:
            self._idle_watch = IdleWatch(channel, give_up, self._idle_timeout)
        if self._heartbeat is not None:
            self.start_heartbeat(self._heartbeat)

    def stop(self) -> None:
        """Stop all timers: nothing more is received."""
        self.stop_keep_alive()
        self.stop_heartbeat()
        if self._idle_watch is not None:
            self._idle_watch.stop()

    def start_keep_alive(self, interval: float) -> None:
        """Send keep-alive Pings every `interval` seconds from now on."""
        if self._keep_alive is None:
            closing = self._own_closing()
            self._keep_alive = KeepAlive(closing.channel, closing.give_up, self._ping_timeout)
        self._keep_alive.start(interval)

    def stop_keep_alive(self) -> None:
        """Send no more keep-alive Pings, and expect no answer to the last one."""
        if self._keep_alive is not None:
            self._keep_alive.stop()

    def start_heartbeat(self, heartbeat: Heartbeat) -> None:
        """Send these heartbeats from now on, instead of any others."""
        self.stop_heartbeat()
        closing = self._own_closing()
        self._heart = Heart(closing.channel, closing.give_up, heartbeat)

    def stop_heartbeat(self) -> None:
        """Send no more heartbeats, and expect no answer to the last one."""
        if self._heart is not None:
            self._heart.stop()
            self._heart = None

    def pings(self) -> Pings:
        """Return the program's Pings and the unread Pongs."""
        if self._pings is None:
            closing = self._own_closing()
            channel = closing.channel
            self._pings = Pings(channel._loop)
            if channel._protocol is not None:
                channel._protocol.reach(self._pings)
            if closing.has_ended:
                self._pings.finish(closing.end_of_messages)
        return self._pings

    def take_pong(self, payload: bytes) -> None:
        """Process a Pong that has arrived; record the round trip if it answers a Ping."""
        if self._keep_alive is not None and self._keep_alive.owns(payload):
            seconds = self._keep_alive.round_trip(payload)
        else:
            seconds = self.pings().take_pong(payload)
        if seconds is not None:
            self.latency = measured(self.latency, seconds)

    def awaited_pongs(self) -> set[bytes]:
        """Return the payloads of the Pings that are not answered yet."""
        awaited = set() if self._pings is None else self._pings.payloads()
        if self._keep_alive is not None and self._keep_alive.asked_with is not None:
            awaited.add(self._keep_alive.asked_with)
        return awaited

    def _own_closing(self) -> WatchedClosing:
        if self._closing is None:
            raise RuntimeError("the connection is not open")
        return self._closing

    def end_pongs(self, end: Callable[[], BaseException]) -> None:
        """Let waits for a Pong raise the error that `end` makes, after the Pongs that arrived."""
        if self._pings is not None:
            self._pings.finish(end)

    def fail_pings(self, end: Callable[[], BaseException]) -> None:
        """Let unanswered Pings fail with the error that `end` makes."""
        if self._pings is not None:
            self._pings.fail(end)
