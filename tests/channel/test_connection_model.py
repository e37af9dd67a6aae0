"""Two receivers, three senders, Pings, pauses, cancellations and closes against a model.

The test does not predict which receiver gets which message, nor in how many writes frames leave.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

from channel.scripted import Wire, client_frames, close, ping, text, turns
from hypothesis import settings, strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)
from looprunner import LOOP_FACTORIES
from rawserver import CLOSE, PONG, TEXT

from wirespeed import ConnectionDisconnected

RECEIVERS = 2
SENDERS = 3


class Connection(RuleBasedStateMachine):
    """The model: what was read, what was handed over to be sent, and whether it is over."""

    def __init__(self) -> None:
        super().__init__()
        self.runner: asyncio.Runner
        self.wire: Wire
        self.fed = 0
        self.shares: list[list[str]] = [[] for _ in range(RECEIVERS)]
        self.receiving: dict[int, asyncio.Task[None]] = {}
        self.sending: dict[int, asyncio.Task[None]] = {}
        self.handed_over: list[bytes] = []
        self.pings: list[bytes] = []
        self.paused = False
        self.we_closed = False
        self.peer_closed = False

    @property
    def is_over(self) -> bool:
        return self.we_closed or self.peer_closed

    @initialize(
        loop_name=st.sampled_from(sorted(LOOP_FACTORIES)),
        max_queue=st.sampled_from([1, 3, None]),
    )
    def open(self, loop_name: str, max_queue: int | None) -> None:
        self.runner = asyncio.Runner(loop_factory=LOOP_FACTORIES[loop_name])

        async def make() -> Wire:
            return Wire(max_queue=max_queue, ping_interval=None)

        self.wire = self.runner.run(make())

    async def _receive(self, index: int) -> None:
        with contextlib.suppress(ConnectionDisconnected):
            async for data in self.wire.connection:
                self.shares[index].append(str(data))

    async def _send(self, index: int, count: int) -> None:
        with contextlib.suppress(ConnectionDisconnected):
            for _ in range(count):
                data = b"%d:%d" % (index, len(self.handed_over))
                sending = self.wire.connection.send_text(data)
                # The call has handed the message over. The task waits only for room.
                self.handed_over.append(data)
                await sending

    def _do(self, call: Any) -> None:
        """Call as the event loop does, and let everything that follows happen."""

        async def act() -> None:
            call()
            await turns()

        self.runner.run(act())

    def _start(self, tasks: dict[int, asyncio.Task[None]], index: int, coroutine: Any) -> None:
        if index in tasks and not tasks[index].done():
            coroutine.close()
            return
        self._do(lambda: tasks.__setitem__(index, asyncio.ensure_future(coroutine)))

    @rule(index=st.integers(0, RECEIVERS - 1))
    def receive(self, index: int) -> None:
        self._start(self.receiving, index, self._receive(index))

    @rule(index=st.integers(0, SENDERS - 1), count=st.integers(1, 4))
    def send(self, index: int, count: int) -> None:
        self._start(self.sending, index, self._send(index, count))

    @rule(receivers=st.booleans(), index=st.integers(0, SENDERS - 1))
    def cancel(self, receivers: bool, index: int) -> None:
        tasks = self.receiving if receivers else self.sending
        if index in tasks:
            self._do(tasks[index].cancel)

    @precondition(lambda self: not self.peer_closed)
    @rule(count=st.integers(1, 5))
    def read(self, count: int) -> None:
        if self.we_closed:
            # Messages without room are then dropped, which another test checks.
            return
        numbers = range(self.fed, self.fed + count)
        self.fed += count
        self._do(lambda: self.wire.feed(text(*map(str, numbers))))

    @precondition(lambda self: not (self.is_over or self.paused))
    @rule()
    def be_pinged(self) -> None:
        payload = b"%d" % len(self.pings)
        self.pings.append(payload)
        self._do(lambda: self.wire.feed(ping(payload)))

    @rule()
    def pause_or_resume(self) -> None:
        if self.wire.transport.closing:
            return
        self.paused = not self.paused
        link = self.wire.protocol
        self._do(link.pause_writing if self.paused else link.resume_writing)

    @precondition(lambda self: not self.is_over)
    @rule()
    def close(self) -> None:
        self.we_closed = True

        async def begin() -> None:
            closing = asyncio.ensure_future(self.wire.connection.close())
            await turns()
            # The closing goes on without this task.
            closing.cancel()
            await asyncio.wait([closing])

        self.runner.run(begin())

    @precondition(lambda self: not self.peer_closed)
    @rule()
    def be_closed(self) -> None:
        self.peer_closed = True
        self._do(lambda: self.wire.feed(close()))

    @invariant()
    def nothing_is_sent_twice_or_out_of_order(self) -> None:
        if not hasattr(self, "wire"):
            return
        frames = client_frames(self.wire.written())
        messages = [payload for opcode, payload in frames if opcode == TEXT]
        assert messages == self.handed_over[: len(messages)]
        assert [payload for opcode, payload in frames if opcode == PONG] == self.pings
        if CLOSE in (opcodes := [opcode for opcode, _ in frames]):
            assert opcodes.index(CLOSE) == len(opcodes) - 1
        if not self.paused:
            assert messages == self.handed_over

    @invariant()
    def each_receiver_sees_the_order(self) -> None:
        everything = [data for share in self.shares for data in share]
        assert len(set(everything)) == len(everything)
        for share in self.shares:
            assert share == sorted(share, key=int)

    def teardown(self) -> None:
        if not hasattr(self, "wire"):
            return
        with self.runner:
            if self.paused:
                self._do(self.wire.protocol.resume_writing)
            self.nothing_is_sent_twice_or_out_of_order()
            left = self.runner.run(self._end())
            everything = [data for share in [*self.shares, left] for data in share]
            assert sorted(everything, key=int) == [str(number) for number in range(self.fed)]

    async def _end(self) -> list[str]:
        """Lose the transport; return the messages that no receiver has taken."""
        for task in [*self.receiving.values(), *self.sending.values()]:
            task.cancel()
        await asyncio.gather(
            *self.receiving.values(), *self.sending.values(), return_exceptions=True
        )
        self.wire.lose()
        left: list[str] = []
        await self._receive_into(left)
        await self.wire.connection.wait_closed()
        return left

    async def _receive_into(self, left: list[str]) -> None:
        with contextlib.suppress(ConnectionDisconnected):
            while True:
                left.append(await self.wire.connection.receive_text())


TestConnection: Any = Connection.TestCase
TestConnection.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
