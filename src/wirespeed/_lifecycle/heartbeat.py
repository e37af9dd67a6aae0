"""Heartbeat messages for servers that ask for them. Public name: `Heartbeat`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from weakref import ref

from .._base.arguments import check_bool, check_callable, check_interval
from .._base.close_info import CloseCause
from .._base.rfc6455 import Binary
from .._base.weak_timers import call_weakly
from .idle import LOOKS, Silence
from .keep_alive import LAST_LOOK_SECONDS, GiveUp

if TYPE_CHECKING:
    from typing_extensions import Buffer

    from .._channel import Channel


@dataclass(frozen=True, slots=True, kw_only=True)
class Heartbeat:
    """Messages that some servers want to see, or answer, beside the Pings of the protocol.

    Attributes:
        interval: seconds after which one is sent.
        payload: what to send: `str` as text, bytes-like as binary; or a function that makes it.
        timeout: seconds within which an answer must arrive, or the connection is failed;
            `None` if none is expected. The clock stops while reading is held back.
        is_answer: called with each message, `str` or `bytes`, as it arrives, but only until it
            has returned true for one; `None` takes any message for the answer, and any part of
            one that is received in chunks, which the function is not called with. The
            answer is received like every other message.
        only_in_silence: send none where a message arrived within the last `interval`; `False`
            for servers that want to see one in any case.
    """

    interval: float
    payload: str | Buffer | Callable[[], str | Buffer]
    timeout: float | None = None
    is_answer: Callable[[str | bytes], object] | None = None
    only_in_silence: bool = True

    def __post_init__(self) -> None:
        check_interval("interval", self.interval)
        if self.interval is None:
            raise TypeError("interval must be a number of seconds, not None")
        check_interval("timeout", self.timeout)
        check_bool("only_in_silence", self.only_in_silence)
        if self.is_answer is not None:
            check_callable("is_answer", self.is_answer)
        if not callable(self.payload) and not isinstance(self.payload, str):
            memoryview(self.payload)


class Heart:
    """Beats as a `Heartbeat` says, with one timer."""

    __slots__ = (
        "__weakref__",
        "_beat",
        "_channel",
        "_give_up",
        "_is_answered",
        "_received",
        "_silence",
        "_timer",
    )

    def __init__(self, channel: Channel, give_up: GiveUp, beat: Heartbeat) -> None:
        self._channel = channel
        self._give_up = give_up
        self._beat = beat
        self._silence = Silence(channel)
        # How many messages there had been when the last heartbeat was sent.
        self._received = 0
        self._is_answered = True
        self._timer: asyncio.TimerHandle
        self._rest(beat.interval)

    def stop(self) -> None:
        """Beat no more."""
        self._timer.cancel()
        self._channel._on_messages = None

    def _after(self, seconds: float, step: Callable[[Heart], None]) -> None:
        self._timer = self._channel._loop.call_later(seconds, call_weakly, ref(self), step)

    def _rest(self, seconds: float) -> None:
        """Wait for the next beat, or for the next look at what arrives meanwhile."""
        if self._beat.only_in_silence:
            self._after(self._beat.interval / LOOKS, Heart._look_for_silence)
        else:
            self._after(seconds, Heart._strike)

    def _look_for_silence(self) -> None:
        # One look less than there are: the beat comes rather early than late.
        if self._silence.look() < LOOKS - 1:
            self._rest(0.0)
        else:
            self._silence.looks = 0
            self._strike()

    def _strike(self) -> None:
        channel, beat = self._channel, self._beat
        if channel._outbox.refuses_sends():
            return
        # First: `payload` may raise, and is asked again the next time.
        self._rest(beat.interval)
        # It would leave after the end of a stream only, and could not be answered before.
        if channel._outbox.is_holding():
            return
        payload = beat.payload() if callable(beat.payload) else beat.payload
        # Where the transport is full a message would only wait behind what waits already.
        if not channel._outbox.is_paused():
            _ = channel.send(payload)
        if beat.timeout is not None and not channel._outbox.refuses_sends():
            self._timer.cancel()
            self._received = channel._heard()
            self._expect_answer(beat.timeout)

    def _expect_answer(self, timeout: float) -> None:
        self._is_answered = False
        if self._beat.is_answer is not None:
            self._channel._on_messages = self._look_through
        self._after(timeout, Heart._look)

    def _look_through(self, messages: list[Any]) -> None:
        """Look for the answer in what has arrived."""
        is_answer = self._beat.is_answer
        for message in messages:
            data = message.data if isinstance(message, Binary) else message
            try:
                if is_answer is None or is_answer(data):
                    self._is_answered = True
                    self._channel._on_messages = None
                    return
            except Exception as exc:
                # Its caller is the transport, which would end the connection for it.
                self._channel._loop.call_exception_handler(
                    {"message": "wirespeed: is_answer of a heartbeat failed", "exception": exc}
                )

    def _look(self) -> None:
        if not self._is_heard():
            self._after(LAST_LOOK_SECONDS, Heart._end)

    def _end(self) -> None:
        if not self._is_heard():
            reason = f"no answer to the heartbeat within {self._beat.timeout:g} seconds"
            self._give_up(CloseCause.HEARTBEAT_TIMEOUT, reason)

    def _is_heard(self) -> bool:
        """Tell whether the answer is there, or cannot be heard; then go on."""
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
