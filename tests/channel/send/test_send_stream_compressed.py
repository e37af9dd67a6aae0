"""Streams on a connection that compresses: what a correct peer inflates (RFC 7692 section 7.2).

The tests only inflate the data, fragment by fragment; how it is compressed does not matter.
"""

from __future__ import annotations

import asyncio
import zlib
from typing import Any

import pytest
from channel.scripted import Wire, turns, whole_frames
from channel.test_cancelled_waits import waits
from deflating import TAIL
from rawserver import CONTINUATION, TEXT
from sources import Source

from wirespeed import Deflate

FIN = 0x80
RSV1 = 0x40
TICK = '{"symbol": "BTCUSD", "bid": 67012.25, "ask": 67012.5, "venues": ["a", "b", "c"]}'


class Peer:
    """Inflates data as it arrives."""

    def __init__(self, alone: bool) -> None:
        self._alone = alone
        self._stream = zlib.decompressobj(-15)
        self._is_compressed = False
        self._seen = 0
        self._data = b""
        self.messages: list[bytes] = []

    def read(self, wire: Wire) -> bytes:
        """Read what was written since the last call; return the part of an unfinished message."""
        frames = whole_frames(wire.written())
        for first, payload in frames[self._seen :]:
            if first & 0x0F != CONTINUATION:
                self._is_compressed = bool(first & RSV1)
                if self._alone:
                    self._stream = zlib.decompressobj(-15)
            data = payload
            if self._is_compressed:
                data = self._stream.decompress(payload + TAIL * bool(first & FIN))
            self._data += data
            if first & FIN:
                self.messages.append(self._data)
                self._data = b""
        self._seen = len(frames)
        return self._data


def compressing(**settings: Any) -> Wire:
    """Make an open connection that compresses."""
    return Wire(ping_interval=None, compression=Deflate(**settings))


@pytest.mark.parametrize("alone", [False, True], ids=["context", "no context"])
async def test_each_fragment_can_be_inflated_when_it_has_arrived(alone: bool) -> None:
    wire = compressing(threshold=0, client_no_context_takeover=alone)
    peer = Peer(alone)
    for number in range(3):
        source = Source()
        task = asyncio.create_task(waits(wire.connection.send_stream(source)))
        expected = b""
        for item in [TICK, "", "x", TICK * 50, f"{number}"]:
            source.give(item)
            await turns()
            expected += item.encode()
            assert peer.read(wire) == expected
        source.end()
        await task
        await wire.connection.send(TICK)
        await turns()
        peer.read(wire)
        assert peer.messages == [expected, TICK.encode()]
        peer.messages.clear()
    wire.lose()


@pytest.mark.parametrize("alone", [False, True], ids=["context", "no context"])
@pytest.mark.parametrize("compress", [True, False])
async def test_held_messages_are_compressed_in_their_turn(alone: bool, compress: bool) -> None:
    wire = compressing(client_no_context_takeover=alone)
    peer = Peer(alone)
    ws = wire.connection
    source = Source(TICK)
    task = asyncio.create_task(waits(ws.send_stream(source, compress=compress)))
    await turns()
    _ = ws.send("short")
    _ = ws.send(TICK * 3)
    _ = ws.send([TICK, TICK * 2])
    _ = ws.send(bytearray(TICK.encode()), compress=True)
    _ = ws.send(TICK * 3, compress=False)
    many = asyncio.create_task(ws.send_many([TICK * 4, TICK], compress=True))
    await turns()
    source.give(TICK).end()
    await asyncio.gather(task, many)
    await turns()
    peer.read(wire)
    tick = TICK.encode()
    assert peer.messages == [tick * 2, b"short", *[tick * 3] * 2, tick, tick * 3, tick * 4, tick]
    heads = [first for first, _ in whole_frames(wire.written()) if first & 0x0F]
    assert [bool(first & RSV1) for first in heads] == [
        *(compress, False, True, True, True, False, True, True)
    ]
    wire.lose()


@pytest.mark.parametrize(
    ("first", "compress", "compressed"),
    [
        ("x" * 127, None, False),
        ("x" * 128, None, True),
        ("", True, True),
        ("x" * 500, False, False),
    ],
)
async def test_what_is_compressed(first: str, compress: Any, compressed: bool) -> None:
    wire = compressing()
    await wire.connection.send_stream([first, "y" * 300], compress=compress)
    await turns()
    frames = whole_frames(wire.written())
    assert [head for head, _ in frames] == [
        TEXT | RSV1 * compressed,
        CONTINUATION,
        FIN | CONTINUATION,
    ]
    peer = Peer(False)
    peer.read(wire)
    assert peer.messages == [(first + "y" * 300).encode()]
    wire.lose()


async def test_an_empty_stream_leaves_the_context_as_it_was() -> None:
    wire = compressing(threshold=0)
    peer = Peer(False)
    await wire.connection.send(TICK)
    await wire.connection.send_stream([])
    await wire.connection.send(TICK)
    await turns()
    peer.read(wire)
    assert peer.messages == [TICK.encode()] * 2
    wire.lose()
