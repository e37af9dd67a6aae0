"""Random senders, streams, Pings, pauses and cancellations, against a model.

The test does not predict the order in which tasks run. It checks what no peer may ever see.
"""

from __future__ import annotations

import asyncio
import contextlib
import zlib
from typing import Any

from channel.scripted import Wire, ping, turns, whole_frames
from deflating import TAIL
from hypothesis import settings, strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)
from looprunner import LOOP_FACTORIES
from rawserver import BINARY, CLOSE, CONTINUATION, PONG, TEXT
from sources import Source

from wirespeed import ConnectionDisconnected, Deflate

SENDERS = 3
STREAMS = 3
FIN = 0x80
RSV1 = 0x40


class Streams(RuleBasedStateMachine):
    """The model: what was handed over, the items of each stream, and whether it was broken off."""

    def __init__(self) -> None:
        super().__init__()
        self.runner: asyncio.Runner
        self.wire: Wire
        self.sending: dict[int, asyncio.Task[None]] = {}
        self.streaming: dict[int, asyncio.Task[None]] = {}
        self.sources: dict[int, Source] = {}
        self.ended: set[int] = set()
        self.names: dict[int, bytes] = {}
        # The items of each stream, by its name.
        self.given: dict[bytes, list[bytes]] = {}
        self.handed_over: dict[int, list[bytes]] = {index: [] for index in range(SENDERS)}
        self.pings: list[bytes] = []
        self.count = 0
        self.paused = False

    @initialize(
        loop_name=st.sampled_from(sorted(LOOP_FACTORIES)),
        compression=st.sampled_from(
            [None, Deflate(threshold=0), Deflate(threshold=0, client_no_context_takeover=True)]
        ),
    )
    def open(self, loop_name: str, compression: Deflate | None) -> None:
        self.runner = asyncio.Runner(loop_factory=LOOP_FACTORIES[loop_name])
        self.compression = compression

        async def make() -> Wire:
            return Wire(ping_interval=None, compression=compression)

        self.wire = self.runner.run(make())

    def _do(self, call: Any) -> None:
        """Call as the event loop does, and let everything that follows happen."""

        async def act() -> None:
            call()
            await turns()

        self.runner.run(act())

    async def _send(self, index: int, way: str) -> None:
        with contextlib.suppress(ConnectionDisconnected):
            for part in ("a", "b"):
                self.count += 1
                data = f"{index}:{self.count}{part}"
                forms: dict[str, Any] = {
                    "text": data,
                    "bytes": data.encode(),
                    "fragments": [data[:1], data[1:]],
                }
                sending = self.wire.connection.send(forms[way])
                self.handed_over[index].append(data.encode())
                await sending

    @rule(index=st.integers(0, SENDERS - 1), way=st.sampled_from(["text", "bytes", "fragments"]))
    def send(self, index: int, way: str) -> None:
        if index not in self.sending or self.sending[index].done():
            self._start(self.sending, index, self._send(index, way))

    def _start(self, tasks: dict[int, asyncio.Task[None]], index: int, coroutine: Any) -> None:
        self._do(lambda: tasks.__setitem__(index, asyncio.ensure_future(coroutine)))

    async def _stream(self, source: Source) -> None:
        with contextlib.suppress(ConnectionDisconnected):
            await self.wire.connection.send_stream(source)

    @rule(index=st.integers(0, STREAMS - 1))
    def begin(self, index: int) -> None:
        if index in self.streaming and not self.streaming[index].done():
            return
        self.count += 1
        name = b"stream %d;" % self.count

        async def make() -> Source:
            return Source(name)

        self.sources[index] = self.runner.run(make())
        self.given[name] = [name]
        self.names[index] = name
        self.ended.discard(index)
        self._start(self.streaming, index, self._stream(self.sources[index]))

    @rule(index=st.integers(0, STREAMS - 1), count=st.integers(1, 3))
    def give(self, index: int, count: int) -> None:
        if index in self.sources and index not in self.ended:
            items = [b"%d," % (self.count + number) for number in range(count)]
            self.count += count
            self.given[self.names[index]] += items
            self._do(lambda: self.sources[index].give(*items))

    @rule(index=st.integers(0, STREAMS - 1))
    def end(self, index: int) -> None:
        if index in self.sources and index not in self.ended:
            self.ended.add(index)
            self._do(self.sources[index].end)

    @rule(streams=st.booleans(), index=st.integers(0, STREAMS - 1))
    def cancel(self, streams: bool, index: int) -> None:
        tasks = self.streaming if streams else self.sending
        if index in tasks:
            self._do(tasks[index].cancel)

    @precondition(lambda self: not (self.paused or self.wire.connection.closed))
    @rule()
    def be_pinged(self) -> None:
        payload = b"%d" % len(self.pings)
        self.pings.append(payload)
        self._do(lambda: self.wire.feed(ping(payload)))

    @rule()
    def pause_or_resume(self) -> None:
        self.paused = not self.paused
        link = self.wire.protocol
        self._do(link.pause_writing if self.paused else link.resume_writing)

    def _read(self) -> tuple[list[bytes], bytes, list[bytes], bool]:
        """Parse what was written: messages, an unfinished message, Pongs, and whether it failed."""
        stream = zlib.decompressobj(-15)
        messages: list[bytes] = []
        pongs: list[bytes] = []
        part: bytes | None = None
        compressed = failed = False
        for first, payload in whole_frames(self.wire.written()):
            opcode = first & 0x0F
            assert not failed, "nothing follows the Close frame"
            if opcode == CLOSE:
                assert payload[:2] == (1011).to_bytes(2, "big")
                failed = True
            elif opcode == PONG:
                pongs.append(payload)
            else:
                assert opcode in ({TEXT, BINARY} if part is None else {CONTINUATION})
                if part is None:
                    compressed = bool(first & RSV1)
                    if self.compression is not None and self.compression.client_no_context_takeover:
                        stream = zlib.decompressobj(-15)
                tail = TAIL * bool(first & FIN)
                data = stream.decompress(payload + tail) if compressed else payload
                part = (part or b"") + data
                if first & FIN:
                    messages.append(part)
                    part = None
        return messages, part or b"", pongs, failed

    @invariant()
    def messages_are_whole_and_in_order(self) -> None:
        if not hasattr(self, "wire"):
            return
        messages, part, pongs, failed = self._read()
        assert pongs == self.pings
        assert failed == self.wire.connection.closed or self.paused
        assert len(set(messages)) == len(messages)
        for index, handed_over in self.handed_over.items():
            mine = [data for data in messages if data.startswith(b"%d:" % index)]
            assert mine == handed_over[: len(mine)]
            if not (part or failed or self.paused):
                assert mine == handed_over
        for data in messages:
            if data.startswith(b"stream"):
                name = data[: data.index(b";") + 1]
                assert data == b"".join(self.given[name])
        if part:
            name = part[: part.index(b";") + 1]
            assert b"".join(self.given[name]).startswith(part)

    def teardown(self) -> None:
        if not hasattr(self, "wire"):
            return
        with self.runner:
            if self.paused:
                self.pause_or_resume()
            for index in range(STREAMS):
                self.end(index)
            self.messages_are_whole_and_in_order()
            _, part, _, failed = self._read()
            assert failed or not part
            self.runner.run(self._end())

    async def _end(self) -> None:
        tasks = [*self.sending.values(), *self.streaming.values()]
        assert all(task.done() for task in tasks)
        await asyncio.gather(*tasks, return_exceptions=True)
        # On a closed connection, a stream does not touch its source.
        assert all(source.closed or not source.asked for source in self.sources.values())
        self.wire.lose()
        await self.wire.connection.wait_closed()


TestStreams: Any = Streams.TestCase
TestStreams.settings = settings(max_examples=80, stateful_step_count=30, deadline=None)
