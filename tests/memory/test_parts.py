"""Single parts, with one failing allocation each time: what once crashed or stayed broken.

These run in this process, so a crash would end the whole run.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import gc
import importlib
import os
import socket
import sys
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest
import reference
from channel.scripted import Wire, in_callback, text
from channel.streams import QUEUES
from rawserver import BINARY, CONTINUATION, TEXT

from wirespeed import ConnectionDisconnected, Heartbeat
from wirespeed._base.close_info import CloseCause
from wirespeed._codec import backend
from wirespeed._lifecycle.closing import closing_of

_CHANNEL = "wirespeed._channel_c" if backend.COMPILED else "wirespeed._channel"
Outbox = importlib.import_module(f"{_CHANNEL}.send.outbox").Outbox
Turn = importlib.import_module(f"{_CHANNEL}.turn").Turn
duplicate_socket = importlib.import_module(f"{_CHANNEL}.protocol")._duplicate_socket
suspend = importlib.import_module(f"{_CHANNEL}.waiter").suspend

_testcapi = pytest.importorskip(
    "_testcapi", reason="this interpreter has no _testcapi to fail allocations"
)

from memory import precautions  # noqa: E402

HANDS_OVER_SAFELY = pytest.mark.skipif(
    not backend.COMPILED or sys.version_info >= (3, 12),
    reason="in pure Python, and from Python 3.12 on, `await` gets a result by an exception, which"
    " is allocated when the message has left the queue",
)
# A short client's frame: two bytes and the masking key.
HEADER_BYTES = 6
# More allocations than any of the calls makes.
POINTS = 80


WIDE = "\u00fcber \u4e2d\u6587 \U0001f600 " * 40


def split(message: str | bytes, *cuts: int) -> list[bytes]:
    """Build the frames of a message in fragments."""
    payload = message.encode() if isinstance(message, str) else message
    opcode = TEXT if isinstance(message, str) else BINARY
    frames = []
    for start, end in zip((0, *cuts), (*cuts, len(payload)), strict=True):
        frames.append(reference.frame(opcode, payload[start:end], fin=end == len(payload)))
        opcode = CONTINUATION
    return frames


def failing(n: int, call: Callable[[], object]) -> bool:
    """Call while allocation number `n` fails; return whether that raised `MemoryError`."""
    # What the garbage collector ends must not meet the failure.
    gc.disable()
    _testcapi.set_nomemory(n, n + 1)
    try:
        call()
    except MemoryError:
        return True
    finally:
        _testcapi.remove_mem_hooks()
        gc.enable()
    return False


@pytest.mark.parametrize("message", [WIDE * 30, b"binary" * 5000])
def test_a_parser_that_gives_chunks(message: str | bytes) -> None:
    """The parser raises and parses no more; the chunks that it gave are the message's beginning."""
    failures = 0
    data = b"".join(split(message, 1, 700, 3000, 9000))
    for n in range(POINTS):
        parser = backend.MessageParser()
        chunks: list[Any] = []
        messages: list[Any] = []
        parser.stream(chunks)
        for start in range(0, len(data), 611):
            piece = data[start : start + 611]
            if failing(n, functools.partial(parser.feed, piece, messages)):
                failures += 1
                break
        empty: Any = message[:0]
        given = empty.join(chunks)
        assert message[: len(given)] == given
    assert failures


def test_a_parser_that_assembles() -> None:
    """After a failure no part of a message comes as a whole one."""
    failures = 0
    data = [*split(WIDE * 30, 1, 700), *split("last")]
    for n in range(POINTS):
        parser = backend.MessageParser()
        messages: list[Any] = []
        for piece in data:
            if failing(n, functools.partial(parser.feed, piece, messages)):
                failures += 1
                break
        assert messages in ([], [WIDE * 30], [WIDE * 30, "last"])
    assert failures


def step(coro: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine that does not wait."""
    try:
        coro.send(None)
    except StopIteration:
        return


def drain(connection: Any) -> Iterator[Any]:
    """Take what is queued."""
    while connection.pending.messages:
        yield connection.receive_nowait()


@HANDS_OVER_SAFELY
def test_a_message_does_not_follow_a_chunk_that_was_lost() -> None:
    """If a read fails while a stream waits, what is received is the beginning of what was sent."""
    failures = 0

    async def play(n: int) -> bool:
        wire = Wire()
        stream = wire.connection.receive_stream()
        taken: list[Any] = [None]

        async def take() -> None:
            taken[0] = await anext(stream)

        taking = asyncio.create_task(take())
        await asyncio.sleep(0)
        has_failed = await in_callback(
            functools.partial(failing, n, functools.partial(wire.feed, text("one", "two")))
        )
        wire.connection.abort()
        wire.lose()
        with contextlib.suppress(ConnectionDisconnected, MemoryError):
            await taking
        await stream.aclose()
        got = [*filter(None, taken), *(message.data for message in drain(wire.connection))]
        assert got == ["one", "two"][: len(got)]
        return has_failed

    for n in range(POINTS):
        failures += asyncio.run(play(n))
    assert failures


def test_a_duplicate_of_a_socket_leaves_no_descriptor() -> None:
    """It is made to read what is left in the socket of a transport that gave up."""
    failures = 0
    own, other = socket.socketpair()

    class Transport:
        def get_extra_info(self, name: str, default: Any = None) -> Any:
            return own

    def duplicate() -> None:
        made = duplicate_socket(transport)
        if made is not None:
            made.close()
            counted[0] += 1

    transport = Transport()
    with own, other:
        for n in range(POINTS):
            counted = [0]
            before = len(os.listdir("/proc/self/fd"))
            failing(n, duplicate)
            failures += not counted[0]
            assert len(os.listdir("/proc/self/fd")) == before
    assert failures


class _Closing:
    """Notes whether the outbox has given up."""

    aborted = False

    def abort(self) -> None:
        self.aborted = True


def test_sends_leave_after_a_send_that_failed() -> None:
    """A later small send is written at the latest at the end of the next turn of the loop."""
    failures = 0
    loop = asyncio.new_event_loop()
    try:
        for n in range(POINTS):
            written: list[bytes] = []
            closing = _Closing()
            outbox = Outbox(loop, backend.FrameBuilder(), Turn(), closing)
            outbox.attach(written.append)
            payload = b"first"
            failures += failing(n, functools.partial(outbox.send, 2, payload, True, False))
            outbox.send(2, b"second", True, False)
            outbox.send(2, b"third", True, False)
            loop.run_until_complete(asyncio.sleep(0))
            assert outbox.gathered() == 0
            least = len(b"second") + len(b"third") + 2 * HEADER_BYTES
            assert closing.aborted or sum(map(len, written)) >= least
    finally:
        loop.close()
    assert failures


@HANDS_OVER_SAFELY
@QUEUES
def test_a_queued_message_that_a_stream_cannot_take_is_left_queued(options: dict[str, Any]) -> None:
    """A stream takes a whole message as its chunk, or leaves it to the next receive."""
    failures = 0

    async def play(n: int) -> bool:
        wire = Wire(**options)
        wire.feed(text("whole", "next"))
        stream = wire.connection.receive_stream()
        taken: list[Any] = [None]

        async def take() -> None:
            taken[0] = await anext(stream)

        taking = take()
        has_failed = failing(n, functools.partial(step, taking))
        taking.close()
        await stream.aclose()
        rest = [message.data for message in drain(wire.connection)]
        assert [*filter(None, taken), *rest] == ["whole", "next"]
        wire.connection.abort()
        wire.lose()
        return has_failed

    for n in range(POINTS):
        failures += asyncio.run(play(n))
    assert failures


def _timer_of(kind: str, connection: Any) -> Any:
    """Start one of the timers of a connection, and return it."""
    closing: Any = closing_of(connection)
    if kind == "keep-alive":
        connection.start_keep_alive(10)
        return closing.watch._keep_alive._timer
    if kind == "heartbeat":
        connection.start_heartbeat(Heartbeat(interval=10, payload="beat", timeout=10))
        return closing.watch._heart._timer
    if kind == "idle":
        return closing.watch._idle_watch._timer
    closing.give_up(CloseCause.PING_TIMEOUT, "nobody is there")
    return closing._deadline


def _is_set(timer: Any) -> bool:
    return timer is not None and timer._call is not None and timer._call.step is not None


@pytest.mark.parametrize("kind", ["keep-alive", "heartbeat", "idle", "last word"])
def test_a_timer_without_memory_is_set_again(kind: str) -> None:
    """Whatever fails in a call, there is a next one, or the connection is about to end."""
    loop = asyncio.new_event_loop()
    failures = 0

    async def play(n: int, calls_before: int) -> bool:
        wire = Wire(ping_timeout=10, idle_timeout=10)
        timer = _timer_of(kind, wire.connection)
        has_failed = False
        for number in range(calls_before + 1):
            if not _is_set(timer):
                break
            # As if it had been called by the loop.
            timer._call.cancel()
            if number < calls_before:
                timer._make()
            else:
                has_failed = failing(n, timer._make)
        deadline: Any = closing_of(wire.connection)._deadline
        deadline = getattr(deadline, "_timer", deadline)
        assert _is_set(timer) or _is_set(deadline) or wire.transport.is_closing()
        wire.connection.abort()
        wire.lose()
        return has_failed

    try:
        # At the tenth call, the idle timeout is over.
        for calls_before in range(10):
            for n in range(40):
                failures += loop.run_until_complete(play(n, calls_before))
    finally:
        loop.close()
    assert failures


def test_a_task_that_could_not_be_resumed_in_place_is_resumed_later() -> None:
    """Whatever fails in a wake, the task goes on, or the waiter can be woken again."""
    loop = asyncio.new_event_loop()

    class Wait:
        """Suspends its task once."""

        def __init__(self, waiter: Any) -> None:
            self.waiter = waiter

        def __await__(self) -> Any:
            yield self.waiter

    async def wait(waiter: Any) -> str:
        await Wait(waiter)
        return "resumed"

    failures = 0
    precautions.prepare(loop)
    try:
        for n in range(POINTS):
            waiter = suspend(loop)
            task = loop.create_task(wait(waiter))
            loop.run_until_complete(asyncio.sleep(0))
            if failing(n, waiter.wake):
                failures += 1
                assert not waiter.done()
                waiter.wake()
            loop.set_exception_handler(lambda _, context: None)
            loop.run_until_complete(asyncio.wait([task], timeout=5))
            assert task.done()
            if task.exception() is None:
                assert task.result() == "resumed"
            else:
                assert isinstance(task.exception(), MemoryError)
    finally:
        loop.close()
        gc.collect()
