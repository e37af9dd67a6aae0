"""`wirespeed record` and `wirespeed replay` in separate processes."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from pathlib import Path
from typing import Any

import commandline
import pytest
from commandline import Outcome

from wirespeed.testing import ServerConnection, refuse, serve

# The command has an event loop, so one here is enough.
pytestmark = pytest.mark.loops("asyncio")


async def run(*arguments: str, stdin: bytes = b"") -> Outcome:
    return await asyncio.to_thread(commandline.run, *arguments, stdin=stdin)


def entries_in(path: Path) -> list[dict[str, Any]]:
    _, *lines = path.read_text(encoding="utf-8").splitlines()
    entries: list[dict[str, Any]] = [json.loads(line) for line in lines]
    for entry in entries:
        assert entry.pop("t") >= 0
    return entries


async def answering(client: ServerConnection) -> None:
    assert await client.receive_text() == "subscribe"
    await client.send("ä tick")
    await client.send(b"\x00\xff")
    await client.close(1001, "bye")


async def test_a_recording_and_its_replay(tmp_path: Path) -> None:
    path = tmp_path / "recording"
    async with serve(answering) as url:
        outcome = await run("record", f"{url}feed?token=secret", str(path), stdin=b"subscribe\n")
    assert (outcome.status, outcome.out) == (0, "")
    assert outcome.err.splitlines() == [
        f"recording {url}feed; Ctrl-C ends",
        "closed by the server with code 1001 (going away): bye",
        f"3 messages in {path}",
    ]
    assert entries_in(path) == [
        {"sender": "client", "text": "subscribe"},
        {"sender": "server", "text": "ä tick"},
        {"sender": "server", "binary": "AP8="},
        {"sender": "server", "close": 1001, "reason": "bye"},
    ]
    assert "secret" not in path.read_text(encoding="utf-8")
    await asyncio.to_thread(_replay, path)


def _replay(path: Path) -> None:
    with commandline.started("replay", str(path), "--speed", "inf") as process:
        assert process.stdout is not None
        url = process.stdout.readline().decode().strip()
        for _ in range(2):
            outcome = commandline.run("connect", url, stdin=b"anything\n")
            assert (outcome.status, outcome.out) == (0, "ä tick\n2 bytes: 00ff\n")
            assert outcome.err == "closed by the server with code 1001 (going away): bye\n"
        process.send_signal(signal.SIGINT)
        process.wait(commandline.SECONDS)
        ended = commandline.ended(process)
    assert (ended.status, ended.out) == (130, "")
    assert ended.err.splitlines() == [
        "connection 1: /",
        "connection 1: over",
        "connection 2: /",
        "connection 2: over",
    ]


async def test_so_many_seconds(tmp_path: Path) -> None:
    async def script(client: ServerConnection) -> None:
        await client.send("hello")
        async for _ in client:
            pass
        assert client.close_code == 1000

    path = tmp_path / "recording"
    async with serve(script) as url:
        outcome = await run("record", url, str(path), "--seconds", "0.2")
    assert outcome.status == 0
    assert "\nclosed with code 1000 (normal closure)\n1 message in " in outcome.err
    assert entries_in(path) == [
        {"sender": "server", "text": "hello"},
        {"sender": "client", "close": 1000, "reason": ""},
    ]


async def test_a_lost_connection(tmp_path: Path) -> None:
    async def script(client: ServerConnection) -> None:
        await client.send("last")
        client.drop()

    path = tmp_path / "recording"
    async with serve(script) as url:
        outcome = await run("record", url, str(path))
    assert outcome.status == 1
    assert entries_in(path)[-1] == {"sender": "server", "close": 1006, "reason": ""}


async def test_a_connection_that_is_refused_leaves_no_file(tmp_path: Path) -> None:
    async with serve(refuse(403)) as url:
        outcome = await run("record", url, str(tmp_path / "recording"))
    assert outcome.status == 1
    assert "403 Forbidden" in outcome.err
    assert not os.listdir(tmp_path)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["record", "ws://h/", "FILE"], "cannot make FILE: File exists"),
        (["replay", "NONE"], "cannot read NONE: No such file"),
        (["replay", "FILE"], "FILE, line 1: "),
        (["replay", "FILE", "--port", "65536"], "must be 0 to 65535, not '65536'"),
        (["replay", "FILE", "--speed", "0"], "must be a number above 0, not '0'"),
        (["record", "ws://h/", "FILE", "--seconds", "0"], "must be a number of seconds above 0"),
    ],
)
def test_what_cannot_be_used(arguments: list[str], text: str, tmp_path: Path) -> None:
    places = {"FILE": str(tmp_path / "there"), "NONE": str(tmp_path / "none")}
    Path(places["FILE"]).write_text("precious")
    outcome = commandline.run(*(places.get(argument, argument) for argument in arguments))
    for name, place in places.items():
        text = text.replace(name, place)
    assert (outcome.status, outcome.out) == (2, "")
    assert text in outcome.err
    assert Path(places["FILE"]).read_text() == "precious"
