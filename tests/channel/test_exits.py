"""Exceptions of a consumer resumed inside a read leave the loop or the task, as they usually do.

An exit must not end the test run, so each case has a separate loop or process.
"""

# Some sends are not awaited on purpose: they have been sent anyway.
# mypy: disable-error-code="unused-coroutine"

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
import textwrap
from functools import partial
from pathlib import Path

import pytest
from channel.scripted import Wire, in_callback, seen_after, text, turns
from looprunner import LOOP_FACTORIES

PATIENCE_SECONDS = 20.0

EXITS = [SystemExit(5), KeyboardInterrupt(), SystemExit("a text")]


@pytest.mark.parametrize("loop_name", LOOP_FACTORIES)
@pytest.mark.parametrize("debug", [False, True], ids=["", "debug"])
@pytest.mark.parametrize("error", EXITS, ids=repr)
def test_an_exit_comes_out_of_the_loop(error: BaseException, loop_name: str, debug: bool) -> None:
    loop = LOOP_FACTORIES[loop_name]()
    loop.set_debug(debug)
    received: list[str] = []
    wires: list[Wire] = []

    async def consume() -> None:
        received.append(f"consumer {await wires[0].connection.receive_text()}")
        wires[0].connection.send("at once")
        wires[0].connection.send("gathered")
        raise error

    async def bystander() -> None:
        received.append(f"bystander {await wires[0].connection.receive_text()}")

    async def main() -> None:
        wires.append(Wire())
        tasks.append(asyncio.create_task(consume()))
        await turns()
        tasks.append(asyncio.create_task(bystander()))
        await turns()
        loop.call_soon(feed)
        await asyncio.Event().wait()

    def feed() -> None:
        wires[0].feed(text("1", "2"))
        # The second send was gathered before the exit, and is written anyway.
        after.extend(wires[0].sent())

    after: list[bytes] = []
    tasks: list[asyncio.Task[None]] = []
    main_task = loop.create_task(main())
    # A swallowed exit must fail the test, not hang it.
    give_up = loop.call_later(PATIENCE_SECONDS, loop.stop)
    try:
        with pytest.raises(type(error)) as raised:
            loop.run_forever()
        give_up.cancel()
        assert raised.value is error
        assert after == [b"at once", b"gathered"]
        assert received == ["consumer 1", "bystander 2"]
        # The connection is as before, and the loop can go on.
        assert loop.run_until_complete(again(wires[0])) == "4"
    finally:
        assert [task.exception() for task in tasks] == [error, None]
        main_task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            loop.run_until_complete(main_task)
        loop.close()


async def again(wire: Wire) -> str:
    """Receive one more message."""
    waiting = asyncio.create_task(wire.connection.receive_text())
    await turns()
    await in_callback(lambda: wire.feed(text("4")))
    return await waiting


@pytest.mark.parametrize("error", [ValueError("mine"), RuntimeError("mine"), GeneratorExit("mine")])
async def test_an_exception_ends_the_task_and_nothing_else(error: BaseException) -> None:
    wire = Wire()

    async def consume() -> None:
        await wire.connection.receive()
        wire.connection.send("at once")
        wire.connection.send("gathered")
        raise error

    task = asyncio.create_task(consume())
    await turns()
    other = asyncio.create_task(wire.connection.receive_text())
    await turns()
    seen = await seen_after(partial(wire.feed, text("1", "2")), wire.sent)
    assert seen == [b"at once", b"gathered"]
    with pytest.raises(type(error)) as raised:
        await task
    assert raised.value is error
    assert await other == "2"


@pytest.mark.parametrize("loop_name", LOOP_FACTORIES)
@pytest.mark.parametrize("code", ["sys.exit(7)", "os.kill(os.getpid(), signal.SIGINT)"])
def test_a_program_ends_as_it_says(loop_name: str, code: str) -> None:
    """Real transports may swallow what their callbacks raise."""
    program = textwrap.dedent(
        f"""
        import asyncio, os, signal, sys
        from channel.scripted import text
        from looprunner import LOOP_FACTORIES
        from rawserver import raw_server
        import wirespeed

        async def serve(connection):
            await connection.accept(trailing=text("0"))
            await connection.read_frame()
            await connection.write(text("1"))
            print((await connection.read_frame()).payload.decode(), flush=True)

        async def main():
            async with raw_server(serve) as url:
                async with wirespeed.connect(url) as ws:
                    await ws.send(await ws.receive_text())
                    await ws.receive_text()
                    ws.send("sent")
                    {code}
                    await asyncio.sleep(60)

        try:
            with asyncio.Runner(loop_factory=LOOP_FACTORIES[{loop_name!r}]) as runner:
                runner.run(main())
        except KeyboardInterrupt:
            print("interrupted")
            sys.exit(7)
        """
    )
    paths = [str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 7, done.stderr
    assert "Traceback" not in done.stderr
    if "kill" in code:
        assert "interrupted" in done.stdout
