"""Heartbeat messages for servers that ask for them. Public name: `Heartbeat`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .._base.arguments import check_bool, check_callable, check_seconds
from .._base.close_info import CloseCause
from .._base.rfc6455 import Binary
from .departure import Departure
from .idle import LOOKS, Silence
from .keep_alive import LAST_LOOK_SECONDS, GiveUp
from .timer import Timer

if TYPE_CHECKING:
    from typing_extensions import Buffer

    from .._channel import Channel


@dataclass(frozen=True, slots=True, kw_only=True)
class Heartbeat:
    """Messages that some servers expect or answer, in addition to Pings.

    Attributes:
        interval: seconds after which a heartbeat is sent.
        payload: the message to send: `str` as text, bytes-like as binary; or a function that
            returns it.
        timeout: seconds within which an answer must arrive, or the connection is failed; `None` if
            no answer is expected. The clock stops while reading is paused.
        is_answer: called with each message, `str` or `bytes`, as it arrives, until it has returned
            true for one. It is not called with messages that are received in chunks. `None` takes
            any message as the answer, and any part of one that is received in chunks. The program
            receives the answer like every other message.
        only_in_silence: send no heartbeat if a message arrived within about the last `interval`;
            `False` for servers that expect one in any case.
    """

    interval: float
    payload: str | Buffer | Callable[[], str | Buffer]
    timeout: float | None = None
    is_answer: Callable[[str | bytes], object] | None = None
    only_in_silence: bool = True

    def __post_init__(self) -> None:
        check_seconds("interval", self.interval, over_zero=True, required=True)
        check_seconds("timeout", self.timeout, over_zero=True)
        check_bool("only_in_silence", self.only_in_silence)
        if self.is_answer is not None:
            check_callable("is_answer", self.is_answer)
        if not callable(self.payload) and not isinstance(self.payload, str):
            memoryview(self.payload)


def check_heartbeat(heartbeat: object) -> None:
    """Raise `TypeError` for anything but a `Heartbeat`."""
    if not isinstance(heartbeat, Heartbeat):
        hint = "; for Pings, use ping_interval" if isinstance(heartbeat, int | float) else ""
        raise TypeError(f"heartbeat must be a Heartbeat, not {type(heartbeat).__name__}{hint}")


class Heart:
    """Sends the messages of a `Heartbeat`, and waits for their answers, with one timer."""

    __slots__ = (
        "__weakref__",
        "_beat",
        "_channel",
        "_departure",
        "_give_up",
        "_has_struck",
        "_is_answered",
        "_is_stopped",
        "_received",
        "_silence",
        "_timer",
    )

    def __init__(self, channel: Channel, give_up: GiveUp, beat: Heartbeat) -> None:
        self._channel = channel
        self._give_up = give_up
        self._beat = beat
        self._silence = Silence(channel)
        # The value of the channel's `_heard` when the last heartbeat was sent.
        self._received = 0
        self._is_answered = True
        # The functions of a `Heartbeat` may stop it, or start another.
        self._is_stopped = False
        # What had to leave before the last heartbeat, and whether there was room to send it.
        self._departure: Departure | None = None
        self._has_struck = False
        self._timer = Timer(channel._loop, self)
        self._rest(beat.interval)

    def stop(self) -> None:
        """Send no more heartbeats."""
        self._is_stopped = True
        self._timer.cancel()
        self._channel._on_messages = None

    def _after(self, seconds: float, step: Callable[[Heart], None]) -> None:
        self._timer.after(seconds, step)

    def _rest(self, seconds: float) -> None:
        """Wait for the next heartbeat, or for the next check of whether messages arrive."""
        if self._beat.only_in_silence:
            self._after(self._beat.interval / LOOKS, Heart._look_for_silence)
        else:
            self._after(seconds, Heart._strike)

    def _look_for_silence(self) -> None:
        # One look fewer than in an interval: the heartbeat is early rather than late.
        if self._silence.look() < LOOKS - 1:
            self._rest(0.0)
        else:
            self._silence.looks = 0
            self._strike()

    def _strike(self) -> None:
        channel, beat = self._channel, self._beat
        if channel._outbox.refuses_sends():
            return
        # Started first: `payload` may raise, and is called again the next time.
        self._rest(beat.interval)
        # During a stream the message would be held, and could not be answered in time.
        if channel._outbox.is_holding():
            return
        departure = Departure(channel)
        # If the transport is full, the message would only wait behind others.
        has_room = not channel._outbox.is_paused()
        if has_room:
            # Only now, because each call of `payload` may make another message.
            payload = beat.payload() if callable(beat.payload) else beat.payload
            if self._is_stopped:
                return
            _ = channel.send(payload)
        self._has_struck = has_room
        if beat.timeout is not None and not channel._outbox.refuses_sends():
            self._received = channel._heard()
            self._departure = departure
            self._expect_answer(beat.timeout)

    def _expect_answer(self, timeout: float) -> None:
        self._is_answered = False
        if self._beat.is_answer is not None:
            self._channel._on_messages = self._look_through
        self._after(timeout, Heart._look)

    def _look_through(self, messages: list[Any]) -> None:
        """Look for the answer in the messages that have arrived."""
        is_answer = self._beat.is_answer
        for message in messages:
            data = message.data if isinstance(message, Binary) else message
            try:
                if is_answer is None or is_answer(data):
                    self._is_answered = True
                    if not self._is_stopped:
                        self._channel._on_messages = None
                    return
                if self._is_stopped:
                    return
            except Exception as exc:
                # Not raised: the caller is the transport, which would close the connection.
                self._channel._loop.call_exception_handler(
                    {"message": "wirespeed: is_answer of a heartbeat failed", "exception": exc}
                )

    def _look(self) -> None:
        if self._is_heard():
            return
        departure = self._departure
        if departure is None or not departure.look():
            self._after(LAST_LOOK_SECONDS, Heart._end)
        elif departure.is_over() and not self._has_struck:
            self._strike()
        else:
            # The message had to wait behind data that was leaving.
            self._expect_answer(self._beat.timeout or 0.0)

    def _end(self) -> None:
        if not self._is_heard():
            reason = f"no answer to the heartbeat within {self._beat.timeout:g} seconds"
            self._give_up(CloseCause.HEARTBEAT_TIMEOUT, reason)

    def _is_heard(self) -> bool:
        """Return whether the answer has arrived, or nothing can be read; if so, set the timer."""
        channel, timeout = self._channel, self._beat.timeout or 0.0
        if self._beat.is_answer is None:
            self._is_answered = channel._heard() != self._received
        if self._is_answered:
            self._rest(max(self._beat.interval - timeout, 0.0))
        elif channel._read_flow.is_paused():
            self._expect_answer(timeout)
        else:
            return False
        return True
