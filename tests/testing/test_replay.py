"""Recordings: the file, and what a client sees that is served one."""

from __future__ import annotations

import json
import math
import stat
from pathlib import Path
from typing import Any

import pytest

import wirespeed
from wirespeed.testing import replay, serve
from wirespeed.testing._recording import Close, Recorder, read_recording

HEAD = {"wirespeed": 1, "url": "ws://feed.example/", "subprotocol": None, "opened": "2026-01-01"}


def recorded(directory: Path, *entries: dict[str, Any]) -> Path:
    path = directory / "recording"
    path.write_text("".join(json.dumps(entry) + "\n" for entry in (HEAD, *entries)))
    return path


def server(t: float, **fields: Any) -> dict[str, Any]:
    return {"t": t, "sender": "server", **fields}


def client(t: float, **fields: Any) -> dict[str, Any]:
    return {"t": t, "sender": "client", **fields}


def test_what_was_recorded_is_read(tmp_path: Path) -> None:
    path = tmp_path / "recording"
    recorder = Recorder(path)
    recorder.begin("ws://feed.example/", "v1")
    recorder.add("client", "subscribe")
    recorder.add("server", "ä\n\u2028", b"\x00\xff", "")
    recorder.end("server", 1001, "bye")
    recorder.close()
    entries = list(read_recording(path))
    assert [(entry.sender, entry.content) for entry in entries] == [
        ("client", "subscribe"),
        ("server", "ä\n\u2028"),
        ("server", b"\x00\xff"),
        ("server", ""),
        ("server", Close(1001, "bye")),
    ]
    times = [entry.seconds for entry in entries]
    assert times == sorted(times)
    head = json.loads(path.read_text(encoding="utf-8").partition("\n")[0])
    assert (head["wirespeed"], head["url"], head["subprotocol"]) == (1, "ws://feed.example/", "v1")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_recording_that_never_began_leaves_no_file(tmp_path: Path) -> None:
    Recorder(tmp_path / "recording").close()
    assert list(tmp_path.iterdir()) == []


def test_a_recording_does_not_replace_a_file(tmp_path: Path) -> None:
    path = recorded(tmp_path)
    with pytest.raises(FileExistsError):
        Recorder(path)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", "it is no recording, it is empty"),
        ("{}\n", 'line 1: it is no recording: "wirespeed" must be 1, not None'),
        ('{"wirespeed": 2}\n', "must be 1, not 2"),
        ("[1]\n", "line 1: it is no JSON object"),
        ("nonsense\n", "line 1: Expecting value"),
        ('{"wirespeed": 1}\n{"t": 0, "sender": "server"}\n', 'line 2: it must have "text"'),
        ('{"wirespeed": 1}\n{"t": -1, "sender": "server", "text": ""}\n', '"t" must be a number'),
        ('{"wirespeed": 1}\n{"t": NaN, "sender": "server", "text": ""}\n', '"t" must be a number'),
        ('{"wirespeed": 1}\n{"t": 0, "sender": "me", "text": ""}\n', '"sender" must be "server"'),
        ('{"wirespeed": 1}\n{"t": 0, "sender": "server", "binary": "*"}\n', "must be base64"),
        ('{"wirespeed": 1}\n{"t": 0, "sender": "server", "text": "\\ud800"}\n', "surrogates"),
        (
            '{"wirespeed": 1}\n{"t": 0, "sender": "server", "close": 1015, "reason": ""}\n',
            "not 1015",
        ),
    ],
)
def test_a_file_that_cannot_be_used(text: str, error: str, tmp_path: Path) -> None:
    path = tmp_path / "recording"
    path.write_text(text)
    with pytest.raises(ValueError, match=error) as caught:
        replay(path)
    assert str(caught.value).startswith(str(path))


@pytest.mark.parametrize(
    ("options", "error"),
    [({"speed": 0}, "over 0"), ({"speed": math.nan}, "over 0"), ({"speed": "1"}, "not str")],
)
def test_options_that_cannot_be_used(options: dict[str, Any], error: str, tmp_path: Path) -> None:
    with pytest.raises((TypeError, ValueError), match=error):
        replay(recorded(tmp_path), **options)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        replay(tmp_path / "none")


@pytest.mark.parametrize(
    ("end", "code"),
    [
        ([], 1000),
        ([server(9, close=1012, reason="restart")], 1012),
        ([server(9, close=1005, reason="")], 1005),
        ([server(9, close=1006, reason="")], 1006),
    ],
)
async def test_each_client_gets_all_and_the_same_end(
    end: list[dict[str, Any]], code: int, tmp_path: Path
) -> None:
    messages = [server(1, text="one"), server(2, binary="AAE="), server(3600, text="three")]
    script = replay(recorded(tmp_path, *messages, *end), speed=math.inf)
    async with serve(script) as url:
        for _ in range(2):
            async with wirespeed.connect(url) as ws:
                got = [await ws.receive() for _ in range(3)]
                assert [message.data for message in got] == ["one", b"\x00\x01", "three"]
                with pytest.raises(wirespeed.ConnectionDisconnected) as caught:
                    await ws.receive()
                assert caught.value.code == code


async def test_an_answer_waits_for_the_question(tmp_path: Path) -> None:
    path = recorded(
        tmp_path,
        server(0, text="hello"),
        client(50, text="question"),
        server(50, text="answer"),
        client(99, close=1000, reason=""),
    )
    async with serve(replay(path)) as url, wirespeed.connect(url) as ws:
        assert await ws.receive_text() == "hello"
        await ws.send("another question")
        assert await ws.receive_text() == "answer"
    assert ws.close_code == 1000


async def test_without_waiting_for_the_client(tmp_path: Path) -> None:
    path = recorded(
        tmp_path, client(0, text="q"), server(0, text="a"), client(0, close=1000, reason="")
    )
    async with serve(replay(path, waits=False)) as url, wirespeed.connect(url) as ws:
        assert await ws.receive_text() == "a"
        await ws.wait_closed()


@pytest.mark.parametrize("entry", [server(3600, text="late"), client(3600, text="never sent")])
async def test_a_client_that_leaves_earlier_is_no_failure(
    entry: dict[str, Any], tmp_path: Path
) -> None:
    path = recorded(tmp_path, server(0, text="hello"), entry)
    async with serve(replay(path)) as url, wirespeed.connect(url) as ws:
        assert await ws.receive_text() == "hello"


async def test_the_end_of_the_test_ends_a_pause(tmp_path: Path) -> None:
    path = recorded(tmp_path, server(0, text="hello"), server(3600, text="late"))
    async with serve(replay(path)) as url:
        ws = await wirespeed.connect(url)
        assert await ws.receive_text() == "hello"
    await ws.wait_closed()


@pytest.mark.parametrize("speed", [1.0, 4.0])
async def test_the_speed(speed: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[float] = []

    async def sleep(connection: object, seconds: float) -> None:
        asked.append(seconds)

    monkeypatch.setattr("wirespeed.testing.ServerConnection.sleep", sleep)
    path = recorded(tmp_path, server(1000, text="a"), server(3000, text="b"))
    async with serve(replay(path, speed=speed)) as url, wirespeed.connect(url) as ws:
        assert [await ws.receive_text(), await ws.receive_text()] == ["a", "b"]
    # From now to the due time: a little less than in the recording, on a slow machine too.
    assert [round(seconds * speed, -2) for seconds in asked] == [1000, 3000]
