"""Connections that replace one another: at the end of their lifetime, or because they ended.

Each has a key and numbers of its own, and is judged as if it were alone.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from soak.consumers import Share
from soak.numbered import from_server, number_of, owner_of
from soak.outcome import Outcome
from soak.roads import Roads
from soak.senders import Sender
from soak.waiting import all_done

import wirespeed

RENEW: Final = "renew"

# What the server does to each attempt. Only the client ends the endless ones.
ENDLESS: Final = "endless"
_FAULTS: Final = (*[ENDLESS] * 5, "close", "eof", "reset", "refuse", "slam")

# For one opening or closing, and for all connections of one key. On a busy machine, a round trip
# can take a second, and an opening with TLS through a proxy takes seven.
LONG_SECONDS: Final = 60.0
MOST_SECONDS: Final = 240.0


@dataclass
class _Opened:
    """One of the connections.

    Attributes:
        ws: the connection.
        outcome: the result.
        sender: sends on it.
        is_ready: whether `on_open` has finished.
        is_used: whether the loop received it. It does not if it stops while `on_open` runs.
    """

    ws: wirespeed.WebSocketConnection
    outcome: Outcome
    sender: Sender
    is_ready: bool = False
    is_used: bool = False


class Renewals:
    """One `async for ws in connect(...)`, from its first attempt to the end of its last connection.

    Attributes:
        outcomes: the results of the connections that the loop used.
        keys: the keys of all attempts.
    """

    def __init__(self, roads: Roads, key: str, expect: Callable[[str], None]) -> None:
        """Prepare.

        Args:
            roads: the ways to the server.
            key: the key of all; those of the attempts are made from it.
            expect: called with the key of each attempt, before it is made.
        """
        self.outcomes: list[Outcome] = []
        self.keys: list[str] = []
        self._key = key
        self._expect = expect
        self._choose = random.Random(f"{key} renewals")
        self._base, road = roads.choose(random.Random(f"{key} road"))
        self._options = self._choose_options() | road
        self._opened: list[_Opened] = []

    async def run(self) -> None:
        """Play all connections. Problems are recorded in an outcome."""
        playing = asyncio.create_task(self._play(), name=self._key)
        try:
            await all_done([playing], MOST_SECONDS)
            playing.result()
        except Exception as exc:
            problem = "".join(traceback.format_exception(exc))
            self.outcomes = [Outcome(self.keys[-1], self._options, problems=[problem])]
        finally:
            playing.cancel()
            await asyncio.gather(playing, return_exceptions=True)

    def _choose_options(self) -> dict[str, Any]:
        choose = self._choose
        return {
            "max_queue": choose.choice((8, 4096)),
            "overflow": "pause",
            "batch_window": choose.choice((0.0, 0.0, 0.02)),
            "compression": choose.choice((None, None, "deflate")),
            "on_drop": self._note_drop,
            "open_timeout": LONG_SECONDS,
            "close_timeout": LONG_SECONDS,
        }

    async def _play(self) -> None:
        most = self._choose.choice((1, 2, 4))
        lifetime = self._choose.choice((0.01, 0.3, 1.0))
        policy = wirespeed.Reconnect(
            initial=0.01, maximum=0.1, max_lifetime=lifetime, on_open=self._greet
        )
        connecting = wirespeed.connect(self._next_url, reconnect=policy, **self._options)
        async with (
            asyncio.TaskGroup() as senders,
            contextlib.aclosing(aiter(connecting)) as connections,
        ):
            async for ws in connections:
                one = next(one for one in self._opened if one.ws is ws)
                one.is_used = True
                sending = one.sender.run(self._random(one, "sender"))
                senders.create_task(sending, name=f"{one.outcome.key} sender")
                await self._use(one)
                most -= 1
                if not most:
                    break
        # The loop has closed them all, also those that it did not use.
        for one in self._opened:
            await one.ws.wait_closed()
            if one.is_used:
                one.outcome.take_what_is_left(one.ws)
                one.outcome.sent = one.sender.sent
                self.outcomes.append(one.outcome)

    def _next_url(self) -> str:
        """Return the URL of the next attempt."""
        fault = self._choose.choice(_FAULTS)
        key = f"{fault}/{self._key.partition('/')[2]}.{len(self.keys)}"
        self._expect(key)
        self.keys.append(key)
        return f"{self._base}/{key}"

    async def _greet(self, ws: wirespeed.WebSocketConnection) -> None:
        """Send the first message, perhaps after a while."""
        key = self.keys[-1]
        one = _Opened(ws, Outcome(key, self._options), Sender(key))
        self._opened.append(one)
        one.sender.use(ws)
        choose = self._random(one, "greeting")
        if choose.random() < 0.3:
            await asyncio.sleep(choose.random() * 0.1)
        await ws.send(one.sender.next(choose))
        one.is_ready = True

    def _note_drop(self, message: wirespeed.Message) -> None:
        owner = owner_of(message.data)
        outcome = next(one.outcome for one in self._opened if from_server(one.outcome.key) == owner)
        outcome.dropped.append(number_of(owner, message.data))

    async def _use(self, one: _Opened) -> None:
        """Receive until the connection ends, or the program wants the next one."""
        outcome, choose = one.outcome, self._random(one, "consumer")
        patience = choose.choice((None, None, 50))
        share = Share(from_server(outcome.key))
        outcome.shares.append(share.numbers)
        outcome.way = "left"
        end = None
        try:
            async for data in one.ws:
                share.take(data)
                if len(share.numbers) == patience:
                    return
        except wirespeed.ConnectionDisconnected as exc:
            end = exc
        outcome.ends.append(end)
        successor = self._opened[-1]
        if outcome.kind == ENDLESS and (successor is one or not successor.is_ready):
            outcome.problems.append("was closed before the next one was ready")
        # Without this, the loop drops what is left of a connection that has ended.
        outcome.way = choose.choice(("abort", "wait"))
        if outcome.way == "wait":
            await one.ws.wait_closed()

    def _random(self, one: _Opened, name: str) -> random.Random:
        """Make the random generator of one task: it draws the same when the key is played again."""
        return random.Random(f"{one.outcome.key} {name}")
