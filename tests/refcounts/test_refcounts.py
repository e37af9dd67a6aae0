"""Each public operation many times: references, objects and memory stay as they are.

WIRESPEED_REPEATS sets how often; `make refcounts` sets 100,000.
"""

from __future__ import annotations

import asyncio
import gc
import os
import sys
from typing import Any, Final

import pytest
from channel.scripted import Wire, turns
from refcounts.operations import OPERATIONS, PAYLOAD, TEXT, Operation
from soak.growth import resident_mib

import wirespeed

REPEATS: Final = int(os.environ.get("WIRESPEED_REPEATS", "1000"))
WARM_UP: Final = 100
# Caches, free lists and inline caches of bytecode may still fill up: seen were 322 blocks, however
# many rounds there were. What one round in two loses is more.
ALLOWED: Final = 450
# Closed connections wait for the garbage collector.
ALLOWED_MIB: Final = 8.0


def _counted(wire: Wire) -> dict[str, int]:
    """Count the references to what an operation uses, and the objects of the process."""
    gc.collect()
    used: dict[str, Any] = {
        "None": None,
        "True": True,
        "False": False,
        "0": 0,
        "1": 1,
        "empty bytes": b"",
        "empty str": "",
        "empty tuple": (),
        "payload": PAYLOAD,
        "text": TEXT,
        "loop": asyncio.get_running_loop(),
        "connection": wire.connection,
        "protocol": wire.protocol,
        "transport": wire.transport,
        "Message": wirespeed.Message,
        "type of messages": wirespeed.MessageType.TEXT,
        "ReadTimeout": wirespeed.ReadTimeout,
        "StopIteration": StopIteration,
        "StopAsyncIteration": StopAsyncIteration,
        "CancelledError": asyncio.CancelledError,
    }
    counts = {name: sys.getrefcount(one) for name, one in used.items()}
    counts["allocated blocks"] = sys.getallocatedblocks()
    counts["tracked objects"] = len(gc.get_objects())
    return counts


async def _repeat(operation: Operation, wire: Wire, times: int) -> None:
    for _ in range(times):
        await operation(wire)
        wire.transport.blocks.clear()
        wire.transport.copies.clear()
        # An operation that never waits would otherwise leave its calls to the loop in line.
        await asyncio.sleep(0)
    await turns()


@pytest.mark.deadline(3600)
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.__name__)
async def test_counts_stay_the_same(operation: Operation) -> None:
    wire = Wire(ping_interval=None)
    await _repeat(operation, wire, WARM_UP)
    before, memory = _counted(wire), resident_mib()
    await _repeat(operation, wire, REPEATS)
    after, grown = _counted(wire), resident_mib() - memory
    changed = {name: after[name] - count for name, count in before.items()}
    # In 3.12 and later some of these objects are immortal: their counts do not change at all.
    assert not {name: change for name, change in changed.items() if abs(change) > ALLOWED}
    assert grown < ALLOWED_MIB, grown
    wire.lose()
