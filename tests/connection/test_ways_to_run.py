"""Connections under the ways in which a program may run its event loop, or its interpreter."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import textwrap

import pytest
from looprunner import LOOP_FACTORIES

import wirespeed
from wirespeed.testing import ServerConnection, serve

PATIENCE_SECONDS = 20.0


async def echo(client: ServerConnection) -> None:
    async for message in client:
        await client.send(message)


def run_script(script: str, *arguments: str) -> str:
    """Run a program in a process of its own, because it changes the whole interpreter."""
    finished = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", script, *arguments],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    return finished.stdout


@pytest.mark.skipif(not hasattr(asyncio, "eager_task_factory"), reason="Python 3.12 has brought it")
@pytest.mark.loops("asyncio")
async def test_eager_task_factory() -> None:
    loop = asyncio.get_running_loop()
    async with serve(echo) as url:
        loop.set_task_factory(vars(asyncio)["eager_task_factory"])
        async with wirespeed.connect(url) as ws:
            waiting = [asyncio.create_task(ws.receive_text()) for _ in range(2)]
            await asyncio.gather(ws.send("1"), ws.send("2"))
            assert await asyncio.gather(*waiting) == ["1", "2"]
            await ws.send_many(["3", "4"])
            async with asyncio.TaskGroup() as tasks:
                third = tasks.create_task(ws.receive_text())
                fourth = tasks.create_task(ws.receive_text())
            assert (third.result(), fourth.result()) == ("3", "4")
        loop.set_task_factory(None)


@pytest.mark.parametrize("loop_name", LOOP_FACTORIES)
def test_a_connection_lives_on_between_the_runs_of_a_runner(loop_name: str) -> None:
    async def opened() -> wirespeed.WebSocketConnection:
        return await wirespeed.connect(url)

    async def asked(question: str) -> str:
        await ws.send(question)
        return await ws.receive_text(timeout=PATIENCE_SECONDS)

    with serve(echo) as url, asyncio.Runner(loop_factory=LOOP_FACTORIES[loop_name]) as runner:
        ws = runner.run(opened())
        assert [runner.run(asked(question)) for question in "12"] == ["1", "2"]
        runner.run(ws.close())
    assert ws.close_code == 1000


NESTED = """
import asyncio, sys
import nest_asyncio2
import wirespeed
from wirespeed.testing import serve

async def echo(client):
    async for message in client:
        await client.send(message)

async def ask(ws, question):
    await ws.send(question)
    return await ws.receive_text(timeout=20)

async def main():
    loop = asyncio.get_running_loop()
    nest_asyncio2.apply(loop)
    ws = await wirespeed.connect(sys.argv[1])
    # Here the task is woken by a read, and then runs the loop that called it.
    print(await ask(ws, "outer"))
    print(loop.run_until_complete(ask(ws, "nested")))
    print(await ask(ws, "outer again"))
    await ws.close()

asyncio.run(main())
"""


def test_a_nested_run_of_the_loop() -> None:
    with serve(echo) as url:
        told = run_script(NESTED, url)
    assert told.split("\n") == ["outer", "nested", "outer again", ""]


IN_A_SUBINTERPRETER = """
import sys
if sys.version_info >= (3, 13):
    import _interpreters as interpreters
else:
    import _xxsubinterpreters as interpreters

code = '''
try:
    import wirespeed
    print("works", flush=True)
except ImportError as error:
    print(f"ImportError: {error}", flush=True)
'''
own = interpreters.create()
failure = interpreters.run_string(own, code)
assert failure is None, failure
interpreters.destroy(own)
import wirespeed
print("main", wirespeed.implementation)
"""


@pytest.mark.skipif(
    sys.implementation.name != "cpython" or sys.version_info < (3, 12),
    reason="only CPython has subinterpreters, from 3.12 on with a GIL of their own",
)
def test_an_import_in_a_subinterpreter_works_or_says_why() -> None:
    told, main = run_script(textwrap.dedent(IN_A_SUBINTERPRETER)).strip().split("\n")
    assert told == "works" or "subinterpreters" in told
    assert main == f"main {wirespeed.implementation}"
