"""One connection of the client: opened, used by several tasks at once, and ended in any way.

It knows only the kind of fault that the server will cause, which is part of the key.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import traceback
from collections.abc import Callable, Coroutine
from typing import Any, Final

from soak.consumers import CONSUMERS, GUESSING_CONSUMERS, LANE_CONSUMERS, Consumer, Share
from soak.numbered import from_server, number_of
from soak.outcome import Outcome
from soak.roads import Roads
from soak.senders import Sender
from soak.waiting import all_done

import wirespeed

# In this kind, the client cancels its own opening.
CANCEL: Final = "cancel"

# In these kinds, the server never ends the connection.
ENDLESS: Final = frozenset({"deaf", "endless"})

# The deadline of a handshake, opening or closing, that the server does not complete.
SHORT_SECONDS: Final = 0.5
LONG_SECONDS: Final = 60.0

DROPPING: Final = frozenset({"drop_oldest", "drop_newest"})


class Client:
    """One connection, from `connect` to after its end.

    Attributes:
        outcome: the result.
    """

    def __init__(self, roads: Roads, key: str) -> None:
        self.outcome = Outcome(key)
        base, self._road = roads.choose(self._random("road"))
        self._url = f"{base}/{key}"
        self._choose = self._random("client")
        self._sender = Sender(key)
        self._tasks: list[asyncio.Task[Any]] = []

    async def run(self) -> None:
        """Play the whole connection. Problems are recorded in the outcome."""
        connection = None
        try:
            connection = await self._open()
            if connection is not None:
                await self._use(connection)
        except Exception as exc:
            state = "" if connection is None else f"{connection!r} {connection.stats}"
            self.outcome.problems.append("".join(traceback.format_exception(exc)) + state)
        finally:
            if connection is not None:
                connection.abort()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    # -- opening -----------------------------------------------------------------------

    async def _open(self) -> wirespeed.WebSocketConnection | None:
        kind = self.outcome.kind
        self.outcome.options = options = self._options() | self._road
        options["open_timeout"] = SHORT_SECONDS if kind == "stall" else LONG_SECONDS

        async def connect() -> wirespeed.WebSocketConnection:
            return await wirespeed.connect(self._url, on_drop=self._note_drop, **options)

        opening = self._start(connect(), "opening")
        if kind == CANCEL:
            longest = self._choose.choice((0.005, 0.2))
            await asyncio.wait([opening], timeout=self._choose.random() * longest)
            opening.cancel()
        await all_done([opening])
        if opening.cancelled():
            self.outcome.was_cancelled = True
            return None
        self.outcome.refusal = opening.exception()
        return None if self.outcome.refusal else opening.result()

    def _options(self) -> dict[str, Any]:
        choose = self._choose
        kind = self.outcome.kind
        options: dict[str, Any] = {
            "max_queue": choose.choice((1, 8, 100, 4096, None)),
            "max_queue_bytes": choose.choice((5_000, 16 * 2**20, None)),
            "overflow": choose.choice((*["pause"] * 5, "drop_oldest", "drop_newest", "close")),
            "batch_window": choose.choice((0.0, 0.0, 0.001, 0.02)),
            "write_buffer_size": choose.choice((None, None, 2_000)),
            "decode_text": choose.random() < 0.8,
            "compression": choose.choice(
                (None, None, "deflate", wirespeed.Deflate(threshold=0, level=1, mem_level=4))
            ),
            "close_timeout": SHORT_SECONDS if kind in {"deaf", "mute"} else LONG_SECONDS,
            "ping_interval": choose.choice((None, 20.0, 0.1)),
        }
        # The server is never silent for that long, except in one kind.
        options["idle_timeout"] = 0.3 if kind == "idle" else choose.choice((None, LONG_SECONDS))
        if choose.random() < 0.2:
            options["conflate"] = self._key_of
        if choose.random() < 0.2:
            beating = self._random("heartbeat")
            options["heartbeat"] = wirespeed.Heartbeat(
                interval=0.1,
                payload=lambda: self._sender.next(beating),
                only_in_silence=choose.random() < 0.5,
            )
        if kind == "mute":
            options |= {"ping_interval": 0.1, "ping_timeout": 0.3}
        if choose.random() < 0.2:
            options["text_queue_maxsize"] = choose.choice((2, 500))
            options["binary_queue_maxsize"] = choose.choice((None, 3))
        if choose.random() < 0.4:
            options["socket_options"] = [
                (socket.SOL_SOCKET, name, 16_384) for name in (socket.SO_SNDBUF, socket.SO_RCVBUF)
            ]
        return options

    def _key_of(self, message: wirespeed.Message) -> int | None:
        """Return the key of every other message: a newer one of the same key replaces it."""
        number = number_of(from_server(self.outcome.key), message.data)
        return number % 8 if number % 2 else None

    def _note_drop(self, message: wirespeed.Message) -> None:
        self.outcome.dropped.append(number_of(from_server(self.outcome.key), message.data))

    # -- using -------------------------------------------------------------------------

    async def _use(self, ws: wirespeed.WebSocketConnection) -> None:
        choose, outcome = self._choose, self.outcome
        sender = self._sender
        sender.use(ws)
        sending = [
            self._start(sender.run(self._random(name)), name)
            for name in ("sender", "sender 2", "sender 3")[: choose.randrange(4)]
        ]
        receiving = [self._consume(ws, way) for way in self._consumers()]
        outcome.is_patient = outcome.kind not in ENDLESS and choose.random() < 0.6
        if outcome.is_patient:
            await all_done(receiving)
        else:
            await asyncio.wait(receiving, timeout=choose.random() ** 2)
            if choose.random() < 0.3:
                for task in receiving:
                    task.cancel()
        await self._end(ws)
        await all_done([*sending, *receiving])
        outcome.take_what_is_left(ws)
        for task in sending:
            task.result()
        outcome.ends = [task.result() for task in receiving if not task.cancelled()]
        outcome.sent = sender.sent
        if not all(answer.done() for answer in sender.pings):
            outcome.problems.append("a Ping has no answer, and no error")

    def _consumers(self) -> tuple[Consumer, ...]:
        if "text_queue_maxsize" in self.outcome.options and self._choose.random() < 0.5:
            return LANE_CONSUMERS
        has_lanes = "text_queue_maxsize" in self.outcome.options
        ways = CONSUMERS if has_lanes else CONSUMERS + GUESSING_CONSUMERS
        return tuple(self._choose.choices(ways, k=self._choose.choice((1, 1, 1, 2, 4))))

    def _consume(
        self, ws: wirespeed.WebSocketConnection, way: Consumer
    ) -> asyncio.Task[BaseException | None]:
        share = Share(from_server(self.outcome.key))
        choose = self._random(f"consumer {len(self.outcome.shares)}")
        self.outcome.shares.append(share.numbers)

        async def consume() -> BaseException | None:
            try:
                await way(ws, share, choose)
            except wirespeed.WebSocketError as exc:
                return exc
            return None

        return self._start(consume(), way.__name__)

    # -- ending ------------------------------------------------------------------------

    async def _end(self, ws: wirespeed.WebSocketConnection) -> None:
        outcome, choose = self.outcome, self._choose
        ways: dict[str, Callable[[], Coroutine[Any, Any, None]]] = {
            "close": ws.close,
            "code": lambda: ws.close(choose.choice((1000, 1001, 3000, 4999)), "that is all"),
            "exit": lambda: ws.__aexit__(ValueError, ValueError(), None),
            "twice": lambda: self._close_twice(ws),
            "given up": lambda: self._give_up_closing(ws),
            "abort": lambda: self._abort(ws),
        }
        if outcome.is_patient:
            ways["wait"] = ws.wait_closed
        outcome.way = choose.choice(list(ways))
        ending = self._start(ways[outcome.way](), outcome.way)
        await all_done([ending])
        ending.result()
        await all_done([self._start(ws.wait_closed(), "waiting for the end")])

    async def _close_twice(self, ws: wirespeed.WebSocketConnection) -> None:
        await asyncio.gather(ws.close(), ws.close(1001))

    async def _give_up_closing(self, ws: wirespeed.WebSocketConnection) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(ws.close(), self._choose.random() * 0.01)

    async def _abort(self, ws: wirespeed.WebSocketConnection) -> None:
        ws.abort()

    def _random(self, name: str) -> random.Random:
        """Make the random generator of one task: it draws the same when the key is played again."""
        return random.Random(f"{self.outcome.key} {name}")

    def _start(self, work: Coroutine[Any, Any, Any], name: str) -> asyncio.Task[Any]:
        task = asyncio.create_task(work, name=f"{self.outcome.key} {name}")
        self._tasks.append(task)
        return task
