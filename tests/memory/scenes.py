"""What the client does while one allocation fails.

A scene is played twice or more on equal connections, so it must not depend on chance. Its own code
should allocate little: a failure there tests nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from memory.wire import BLOB, LARGE, NOISE, SCRIPTS, WIDE, Payload

import wirespeed

Play = Callable[["Stage"], Coroutine[Any, Any, None]]

ROOM: Final = 128
# If the event loop loses the call that ends the transport, the connection ends by its deadline.
SETTINGS: Final[dict[str, Any]] = {"proxy": None, "close_timeout": 0.3}
# The client's kernel takes little at a time, so that a message arrives in several reads.
SLOWLY: Final = {"socket_options": [(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)]}


class Log:
    """Items in order, in memory that was allocated before."""

    def __init__(self) -> None:
        self._items: list[Any] = [None] * ROOM
        self.count = 0

    def add(self, item: Any) -> None:
        """Add one."""
        self._items[self.count] = item
        self.count += 1

    def items(self) -> list[Any]:
        """Return all of them."""
        return self._items[: self.count]


@dataclass
class Stage:
    """What a scene has to act with.

    Attributes:
        base: the start of the peer's URLs.
        ws: the connection; `None` while it is not open.
        received: the messages that were received.
        sent: the messages whose sends returned.
        tried: the messages that were to be sent, in the order of the calls.
        helpers: tasks of the scene besides the one that plays it.
        started: tasks that the scene has started.
    """

    base: str
    ws: Any = None
    received: Log = field(default_factory=Log)
    sent: Log = field(default_factory=Log)
    tried: Log = field(default_factory=Log)
    helpers: list[asyncio.Task[None]] = field(default_factory=list)
    started: Log = field(default_factory=Log)


@dataclass(frozen=True)
class Scene:
    """One scene.

    Attributes:
        play: the scene itself.
        script: what the peer does.
        options: arguments of `connect`.
        opens: whether the scene opens its connection itself.
        drops: whether messages may be missing: the queue drops them, or the scene loses them.
        merges: whether a message can come before an older one, in whose place it is queued.
        lanes: whether text and binary messages need only be in order among themselves.
        helpers: what runs besides.
    """

    play: Play
    script: str = "echo"
    options: dict[str, Any] = field(default_factory=dict)
    opens: bool = False
    drops: bool = False
    merges: bool = False
    lanes: bool = False
    helpers: Sequence[Play] = ()

    def expected(self) -> list[Payload]:
        """Return the messages that the peer sends."""
        expected = SCRIPTS[self.script].expected
        if self.options.get("decode_text", True):
            return list(expected)
        return [each.encode() if isinstance(each, str) else each for each in expected]


# -- opening ------------------------------------------------------------------------------


async def _open(stage: Stage) -> None:
    stage.ws = await wirespeed.connect(stage.base + "echo", **SETTINGS)


async def _open_deflated(stage: Stage) -> None:
    stage.ws = await wirespeed.connect(stage.base + "echo", compression="deflate", **SETTINGS)


async def _reconnect(stage: Stage) -> None:
    policy = wirespeed.Reconnect(initial=0.001)
    connections = aiter(wirespeed.connect(stage.base + "echo", reconnect=policy, **SETTINGS))
    async with contextlib.aclosing(connections):
        turns = 0
        async for _ws in connections:
            turns += 1
            if turns == 2:
                break


# -- receiving ----------------------------------------------------------------------------


async def _receive(stage: Stage) -> None:
    for _ in SCRIPTS["small"].expected:
        message = await stage.ws.receive()
        stage.received.add(message.data)


async def _receive_timed(stage: Stage) -> None:
    for _ in SCRIPTS["texts"].expected:
        stage.received.add(await stage.ws.receive_text(timeout=30))


async def _receive_timestamps(stage: Stage) -> None:
    for _ in SCRIPTS["small"].expected:
        message = await stage.ws.receive(timeout=30)
        stage.received.add(message.data)


async def _receive_text(stage: Stage) -> None:
    for _ in SCRIPTS["texts"].expected:
        stage.received.add(await stage.ws.receive_text())


async def _receive_json(stage: Stage) -> None:
    for message in SCRIPTS["json"].expected:
        await stage.ws.receive_json()
        stage.received.add(message)


async def _receive_mixed(stage: Stage) -> None:
    for message in SCRIPTS["fragments"].expected:
        if isinstance(message, str):
            stage.received.add(await stage.ws.receive_text())
        else:
            stage.received.add(await stage.ws.receive_bytes())


async def _receive_all(stage: Stage) -> None:
    count = 0
    async for message in stage.ws:
        stage.received.add(message)
        count += 1
        if count == len(SCRIPTS["deflated"].expected):
            return


async def _receive_large(stage: Stage) -> None:
    stage.received.add(await stage.ws.receive_bytes())
    stage.received.add(await stage.ws.receive_text())


async def _receive_one(stage: Stage) -> None:
    stage.received.add(await stage.ws.receive_text())


async def _receive_cut(stage: Stage) -> None:
    stage.received.add(await stage.ws.receive_text())
    stage.received.add(await stage.ws.receive_bytes())


async def _receive_many(stage: Stage) -> None:
    while stage.received.count < len(SCRIPTS["texts"].expected):
        for message in await stage.ws.receive_many():
            stage.received.add(message)


async def _receive_nowait(stage: Stage) -> None:
    stage.received.add(await stage.ws.receive_text())
    while stage.ws.peek() is not None:
        stage.received.add(stage.ws.receive_nowait().data)


async def _receive_streams(stage: Stage) -> None:
    for _ in SCRIPTS["cut"].expected:
        await _receive_stream(stage)


async def _receive_streams_deflated(stage: Stage) -> None:
    for _ in SCRIPTS["deflated"].expected:
        await _receive_stream(stage)


async def _receive_stream(stage: Stage) -> None:
    part = Part()
    stage.received.add(part)
    stream = stage.ws.receive_stream(timeout=30)
    try:
        async for chunk in stream:
            part.chunks.add(chunk)
    except MemoryError:
        # The interpreter may have no memory to pass on the end of an empty message. Any other
        # message of which nothing was taken is given back here.
        await stream.aclose()
        part.is_whole = not part.chunks.count and stream.type is not None
        raise
    part.is_whole = True


class Part:
    """The chunks of one message that were received.

    Attributes:
        chunks: the chunks.
        is_whole: whether the end of the message was received too.
    """

    def __init__(self) -> None:
        self.chunks = Log()
        self.is_whole = False

    def was_taken(self) -> bool:
        """Return whether the message is not left to the next receive."""
        return self.is_whole or self.chunks.count > 0

    def begins(self, message: Payload) -> bool:
        """Return whether the chunks are the beginning of this message, or all of it."""
        chunks = self.chunks.items()
        if not chunks:
            return not self.is_whole or not message
        empty: Any = "" if isinstance(chunks[0], str) else b""
        whole = empty.join(chunks)
        if self.is_whole:
            return bool(whole == message)
        return isinstance(message, type(whole)) and message.startswith(whole)


async def _first_consumer(stage: Stage) -> None:
    for _ in range(4):
        stage.received.add(await stage.ws.receive_text())


async def _consume_texts(stage: Stage) -> None:
    for _ in range(2):
        stage.received.add(await stage.ws.receive_text())


async def _consume_bytes(stage: Stage) -> None:
    for _ in range(3):
        stage.received.add(await stage.ws.receive_bytes())


async def _wait_for_helpers(stage: Stage) -> None:
    for helper in stage.helpers:
        await helper


async def _overflow(stage: Stage) -> None:
    # The burst arrives before these answers.
    for _ in range(2):
        await (await stage.ws.ping())
    total = len(SCRIPTS["burst"].expected)
    with contextlib.suppress(wirespeed.QueueOverflow):
        while stage.received.count + stage.ws.dropped.messages < total:
            stage.received.add(await stage.ws.receive_text())


async def _receive_slowly(stage: Stage) -> None:
    for _ in SCRIPTS["burst"].expected:
        stage.received.add(await stage.ws.receive_text())
        # Meanwhile the queue fills.
        await asyncio.sleep(0)


async def _cancel(stage: Stage) -> None:
    for _ in range(3):
        waiting = asyncio.create_task(stage.ws.receive())
        # If the next lines fail, it would take a message later.
        stage.started.add(waiting)
        await asyncio.sleep(0)
        waiting.cancel()
        try:
            message = await waiting
        except asyncio.CancelledError:
            continue
        stage.received.add(message.data)
    for _ in range(2):
        message = await stage.ws.receive()
        stage.received.add(message.data)


async def _time_out(stage: Stage) -> None:
    for _ in range(3):
        with contextlib.suppress(wirespeed.ReadTimeout):
            await stage.ws.receive(timeout=0.0005)


# -- sending ------------------------------------------------------------------------------

SMALL_SENDS: Final[list[Payload]] = [f"s{number}" for number in range(6)]
MIXED_SENDS: Final[list[Payload]] = [*SMALL_SENDS, b"bytes", "dr\u00e9i", BLOB]


async def _send_small(stage: Stage) -> None:
    for message in SMALL_SENDS:
        stage.tried.add(message)
        await stage.ws.send(message)
        stage.sent.add(message)
    # The next turn of the loop sends at once again.
    await asyncio.sleep(0)
    for message in MIXED_SENDS:
        stage.tried.add(message)
        await stage.ws.send(message)
        stage.sent.add(message)


async def _send_large(stage: Stage) -> None:
    for message in ("before", LARGE, "between", WIDE, LARGE):
        stage.tried.add(message)
        await stage.ws.send(message)
        stage.sent.add(message)


async def _send_many(stage: Stage) -> None:
    for message in MIXED_SENDS:
        stage.tried.add(message)
    await stage.ws.send_many(MIXED_SENDS)
    for message in MIXED_SENDS:
        stage.sent.add(message)


_PARTS: Final = ["part one, ", "part two, ", "part three"]


async def _parts() -> AsyncIterator[str]:
    for part in _PARTS:
        await asyncio.sleep(0)
        yield part


async def _send_stream(stage: Stage) -> None:
    whole = "".join(_PARTS)
    stage.tried.add(whole)
    await stage.ws.send_stream(_parts())
    stage.sent.add(whole)
    stage.tried.add(whole)
    await stage.ws.send(_PARTS)
    stage.sent.add(whole)


async def _send_behind(stage: Stage) -> None:
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    stage.tried.add("behind the stream")
    await stage.ws.send("behind the stream")
    stage.sent.add("behind the stream")


async def _echo(stage: Stage) -> None:
    for message in ("ping", "pong", BLOB, NOISE):
        stage.tried.add(message)
        await stage.ws.send(message)
        stage.sent.add(message)
        answer = await stage.ws.receive()
        stage.received.add(answer.data)


async def _ping(stage: Stage) -> None:
    first = await stage.ws.ping(b"first")
    second = await stage.ws.ping(b"second")
    await second
    await first


# -- closing ------------------------------------------------------------------------------


async def _close(stage: Stage) -> None:
    await stage.ws.close(1000, "done")


async def _abort(stage: Stage) -> None:
    stage.ws.abort()
    await stage.ws.wait_closed()


async def _wait_for_the_end(stage: Stage) -> None:
    with contextlib.suppress(wirespeed.ConnectionDisconnected):
        while True:
            message = await stage.ws.receive()
            stage.received.add(message.data)


async def _be_closed(stage: Stage) -> None:
    async for message in stage.ws:
        stage.received.add(message)


_BOUND: Final[dict[str, Any]] = {"max_queue": 5}

SCENES: Final[dict[str, Scene]] = {
    "open": Scene(_open, opens=True),
    "open-deflated": Scene(_open_deflated, opens=True),
    "reconnect": Scene(_reconnect, opens=True),
    "receive": Scene(_receive, "small"),
    "receive-undecoded": Scene(_receive, "small", {"decode_text": False}),
    "receive-timestamps": Scene(_receive_timestamps, "small", {"timestamps": True}),
    "receive-timeout": Scene(_receive_timed, "texts"),
    "receive-text": Scene(_receive_text, "texts"),
    "receive-json": Scene(_receive_json, "json", drops=True),
    "receive-many": Scene(_receive_many, "texts", drops=True),
    "receive-nowait": Scene(_receive_nowait, "texts"),
    "receive-large": Scene(_receive_large, "large"),
    "receive-cut": Scene(_receive_cut, "cut", SLOWLY),
    "fragments": Scene(_receive_mixed, "fragments"),
    "inflate": Scene(_receive_all, "deflated", {"compression": "deflate", **SLOWLY}),
    "stream": Scene(_receive_streams, "cut", SLOWLY),
    "stream-inflated": Scene(
        _receive_streams_deflated, "deflated", {"compression": "deflate", **SLOWLY}
    ),
    "batch-window": Scene(_receive_text, "texts", {"batch_window": 0.001}),
    "consumers": Scene(
        _wait_for_helpers, "texts", helpers=[_first_consumer, _first_consumer, _first_consumer]
    ),
    "lanes": Scene(
        _wait_for_helpers,
        "small",
        {"text_queue_maxsize": 9, "binary_queue_maxsize": 9},
        lanes=True,
        helpers=[_consume_texts, _consume_bytes, _consume_texts],
    ),
    "overflow-pause": Scene(_receive_slowly, "burst", _BOUND),
    "overflow-oldest": Scene(_overflow, "burst", {**_BOUND, "overflow": "drop_oldest"}, drops=True),
    "overflow-newest": Scene(_overflow, "burst", {**_BOUND, "overflow": "drop_newest"}, drops=True),
    "overflow-close": Scene(_overflow, "burst", {**_BOUND, "overflow": "close"}),
    "conflate": Scene(
        _overflow, "burst", {"conflate": lambda message: message.data[:1]}, drops=True, merges=True
    ),
    "cancel": Scene(_cancel, "texts", drops=True),
    "time-out": Scene(_time_out, "echo"),
    "send-small": Scene(_send_small),
    "send-large": Scene(_send_large),
    "send-deflated": Scene(_send_large, options={"compression": "deflate"}),
    "send-many": Scene(_send_many),
    "send-stream": Scene(_send_stream),
    "send-held": Scene(_send_stream, helpers=[_send_behind]),
    "echo": Scene(_echo),
    "ping": Scene(_ping),
    "answer-pings": Scene(_receive_one, "pings"),
    "close": Scene(_close),
    "close-unread": Scene(_close, "small"),
    "abort": Scene(_abort),
    "closed-by-peer": Scene(_be_closed, "close"),
    "reset-by-peer": Scene(_wait_for_the_end, "reset"),
    "keep-alive": Scene(_receive_timed, "texts", {"ping_interval": 0.001, "idle_timeout": 30}),
}
