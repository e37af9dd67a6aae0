"""The process whose instructions are counted: `python -m benchmarks.counts.worker`.

It imports one client only. Each run is a fork of this process: starting Python takes seven seconds
under valgrind, and all runs begin with the same memory.
"""

from __future__ import annotations

import asyncio
import gc
import importlib
import os
import sys
import traceback
from types import ModuleType
from typing import Final

from .far import FarEnd
from .works import Work, work_named

# With the head of `bytes` one of each size class that Python's allocator has above 32 bytes.
SIZES: Final = range(1, 512 - sys.getsizeof(b""), 16)
# Imports leave full pools with a single hole. A message that takes and frees such a hole pays for
# the pool's coming and going each time: up to 1 % of its instructions, as chance has it. Filled
# with 2000 blocks of each size there was still 0.8 %, with 8000 it is 0.1 %.
FILLING_BLOCKS: Final = 8000


def fill(count: int) -> list[object]:
    """Take so many blocks of each size from the heap; they are free again with the list."""
    filling: list[object] = [bytes(size) for size in SIZES for _ in range(count)]
    # The two smallest sizes, of 16 and 32 bytes.
    filling += [object() for _ in range(count)]
    filling += [float(number) for number in range(count)]
    return filling


async def run(client: ModuleType, path: str, work: Work, count: int, heap: int) -> None:
    """Open a connection, do the work and leave, without the noise of an orderly end.

    Args:
        client: a module of `clients`.
        path: where the other end listens.
        work: what to do.
        count: how many messages.
        heap: how many blocks of each size to take first, so that what follows lies elsewhere.
    """
    padding = fill(heap)
    far = FarEnd(path)
    connection = await client.connect(path, work)
    await client.WAYS[work.way](connection, work, count, far)
    del padding
    os._exit(0)


def run_in_fork(client: ModuleType, path: str, work: Work, count: int, heap: int) -> None:
    """Do a work in a fork.

    Raises:
        SystemExit: the work has failed; the fork has told why.
    """
    child = os.fork()
    if not child:
        try:
            asyncio.run(run(client, path, work, count, heap))
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    if status:
        sys.exit(1)


def main(client_name: str, path: str, *plan: str) -> None:
    """Do one run after the other.

    Args:
        client_name: a module of `clients`.
        path: where the other end listens.
        plan: the name of a work, the count of its messages and the heap, in turns.
    """
    client = importlib.import_module(f"benchmarks.counts.clients.{client_name}")
    # What the imports have left is no garbage of the works.
    gc.collect()
    gc.freeze()
    filling = fill(FILLING_BLOCKS)
    for name, count, heap in zip(plan[::3], plan[1::3], plan[2::3], strict=True):
        run_in_fork(client, path, work_named(name), int(count), int(heap))
    del filling


if __name__ == "__main__":
    main(*sys.argv[1:])
