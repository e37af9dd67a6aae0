"""`wirespeed connect` in a separate process, against real servers."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import commandline
import pytest
from commandline import Outcome
from rawserver import CLOSE, PING, PONG, TEXT, RawConnection, raw_server
from servers import SERVERS, Behaviour, ServerFactory, aiohttp_server, websockets_server

# The command has an event loop, so one here is enough.
pytestmark = pytest.mark.loops("asyncio")

CLOSED = "closed with code 1000 (normal closure)\n"


async def run(*arguments: str, stdin: bytes | int = b"") -> Outcome:
    return await asyncio.to_thread(commandline.run, *arguments, stdin=stdin)


@pytest.mark.parametrize("server", SERVERS.values(), ids=SERVERS)
async def test_answers_to_piped_lines_are_printed(server: ServerFactory) -> None:
    async with server() as listening:
        outcome = await run("connect", listening.url, stdin=b"hi\nyou\xc3\xa4")
        assert outcome == Outcome(0, "hi\nyouä\n", CLOSED)
        assert (await listening.closes.get())[0] == 1000


@pytest.mark.parametrize("lines", [0, 100_000])
async def test_a_file_is_sent_to_its_end(lines: int, tmp_path: Path) -> None:
    content = "".join(f"line {number}\n" for number in range(lines))
    path = tmp_path / "lines"
    path.write_text(content)
    descriptor = os.open(path, os.O_RDONLY)
    try:
        async with aiohttp_server() as listening:
            outcome = await run("connect", "--linger", "0", listening.url, stdin=descriptor)
    finally:
        os.close(descriptor)
    assert outcome == Outcome(0, content, CLOSED)


async def test_an_input_without_lines_prints_what_comes() -> None:
    behaviour = Behaviour(burst=["one", "two"])
    async with websockets_server(behaviour) as listening:
        assert await run("connect", listening.url) == Outcome(0, "one\ntwo\n", CLOSED)


async def test_binary_messages_are_described() -> None:
    behaviour = Behaviour(burst=[b"\x01\x02\xff", bytes(1000)], close=(1000, ""))
    async with websockets_server(behaviour) as listening:
        outcome = await run("connect", listening.url)
    assert outcome.out == f"3 bytes: 0102ff\n1000 bytes: {'00' * 32}...\n"


async def test_text_in_a_pipe_is_not_changed() -> None:
    behaviour = Behaviour(burst=["\x1b[31mred\r\n\ttab\x00"], close=(1000, ""))
    async with websockets_server(behaviour) as listening:
        outcome = await asyncio.to_thread(_raw_output, listening.url)
    assert outcome == b"\x1b[31mred\r\n\ttab\x00\n"


def _raw_output(url: str) -> bytes:
    with commandline.started("connect", url) as process:
        return process.communicate(timeout=commandline.SECONDS)[0]


@pytest.mark.parametrize(
    ("close", "status", "text"),
    [
        ((1000, ""), 0, "closed by the server with code 1000 (normal closure)\n"),
        ((1001, "bye"), 0, "closed by the server with code 1001 (going away): bye\n"),
        ((1011, "\x1b[2J\n"), 1, "with code 1011 (internal error): \\x1b[2J\\x0a\n"),
        ((4321, "no such room"), 1, "closed by the server with code 4321: no such room\n"),
    ],
)
async def test_the_server_closes(close: tuple[int, str], status: int, text: str) -> None:
    async with websockets_server(Behaviour(burst=["last"], close=close)) as listening:
        # The input does not end: the server ends this session.
        outcome = await asyncio.to_thread(_wait_for_end, listening.url)
    assert (outcome.status, outcome.out) == (status, "last\n")
    assert outcome.err.endswith(text)


def _wait_for_end(url: str) -> Outcome:
    with commandline.started("connect", url) as process:
        process.wait(commandline.SECONDS)
        return commandline.ended(process)


async def test_the_server_closes_without_a_code() -> None:
    async def serve(connection: RawConnection) -> None:
        await connection.accept(trailing=b"\x88\x00")
        assert (await connection.read_frame()).payload == b""

    async with raw_server(serve) as url:
        outcome = await asyncio.to_thread(_wait_for_end, url)
    assert outcome == Outcome(0, "", "closed by the server without a code\n")


async def test_the_server_vanishes() -> None:
    async def serve(connection: RawConnection) -> None:
        await connection.accept(trailing=b"\x81\x02hi")

    async with raw_server(serve) as url:
        outcome = await asyncio.to_thread(_wait_for_end, url)
    text = "connection was lost without a Close frame (RFC 6455 section 7.1.5)"
    assert outcome == Outcome(1, "hi\n", f"wirespeed: {text}\n")


async def test_the_server_does_not_answer_the_close() -> None:
    async def serve(connection: RawConnection) -> None:
        await connection.accept()
        assert await connection.expect_close() == (1000, "")

    async with raw_server(serve) as url:
        outcome = await run("connect", "--linger", "0", url)
    text = "the server did not answer the Close frame (RFC 6455 section 5.5.1)"
    assert outcome == Outcome(1, "", f"wirespeed: {text}\n")


async def test_the_server_breaks_the_protocol() -> None:
    async def serve(connection: RawConnection) -> None:
        await connection.accept(trailing=b"\x81\x02hi\xc1\x00")
        assert (await connection.expect_close())[0] == 1002

    async with raw_server(serve) as url:
        outcome = await asyncio.to_thread(_wait_for_end, url)
    assert (outcome.status, outcome.out) == (1, "hi\n")
    assert outcome.err.startswith("wirespeed: closed with code 1002: reserved bits are set: rsv1")


async def test_what_a_line_says() -> None:
    async def serve(connection: RawConnection) -> None:
        await connection.accept()
        ping = await connection.read_frame()
        await connection.write(b"\x8a\x03a b")
        frames = [await connection.read_frame() for _ in range(4)]
        seen.extend((frame.opcode, frame.payload) for frame in [ping, *frames])
        await connection.write(b"\x88\x02\x03\xe8")

    seen: list[tuple[int, bytes]] = []
    lines = b"/ping a b\n//x\n/nope\n\n\xff\n/ping " + b"x" * 126 + b"\nend\n"
    async with raw_server(serve) as url:
        outcome = await run("connect", "--linger", "0", url, stdin=lines)
    assert seen == [
        (PING, b"a b"),
        (TEXT, b"/x"),
        (TEXT, b""),
        (TEXT, b"end"),
        (CLOSE, b"\x03\xe8"),
    ]
    assert (outcome.status, outcome.out) == (1, "")
    assert sorted(line.partition(" ")[0] for line in outcome.err.splitlines()) == [
        "closed",
        "pong",
        "wirespeed:",
        "wirespeed:",
        "wirespeed:",
    ]
    assert "no such command: /nope" in outcome.err
    assert "ping payload is 126 bytes, limit is 125" in outcome.err
    assert "a line was not sent: it is not valid UTF-8" in outcome.err


async def test_a_ping_that_nobody_answers() -> None:
    async def serve(connection: RawConnection) -> None:
        await connection.accept()
        assert (await connection.read_frame()).opcode == PING
        assert await connection.expect_close() == (1000, "")
        await connection.write(b"\x88\x02\x03\xe8")

    async with raw_server(serve) as url:
        outcome = await run("connect", "--linger", "0", url, stdin=b"/ping\n")
    assert outcome.status == 0
    assert sorted(outcome.err.splitlines()) == [
        CLOSED.strip(),
        "no pong before the connection ended",
    ]


@pytest.mark.parametrize(
    ("payload", "shown"),
    [(b"", ""), (b"hi", ": hi"), (b"\x1b\xff", ": \\x1b\\xff")],
)
async def test_pings_of_the_server_are_answered_and_shown(payload: bytes, shown: str) -> None:
    async def serve(connection: RawConnection) -> None:
        await connection.accept()
        assert (await connection.read_frame()).payload == b"go"
        await connection.write(b"\x89" + bytes([len(payload)]) + payload)
        frame = await connection.read_frame()
        assert (frame.opcode, frame.payload) == (PONG, payload)
        await connection.close_politely()

    async with raw_server(serve) as url:
        outcome = await run("connect", "--linger", "inf", url, stdin=b"go\n")
    assert (outcome.status, outcome.err.splitlines()[0]) == (0, f"ping from the server{shown}")


async def test_lingering_ends_when_the_server_falls_silent() -> None:
    async def serve(connection: RawConnection) -> None:
        await connection.accept()
        assert (await connection.read_frame()).payload == b"question"
        await connection.write(b"\x81\x06answer")
        assert await connection.expect_close() == (1000, "")
        await connection.write(b"\x88\x02\x03\xe8")

    async with raw_server(serve) as url:
        outcome = await run("connect", url, stdin=b"question\n")
    assert outcome == Outcome(0, "answer\n", CLOSED)


async def test_lingering_for_ever_ends_with_the_connection() -> None:
    async def serve(connection: RawConnection) -> None:
        await connection.accept()
        assert (await connection.read_frame()).payload == b"question"
        await connection.write(b"\x81\x06answer")
        await connection.close_politely()

    async with raw_server(serve) as url:
        outcome = await run("connect", "--linger", "inf", url, stdin=b"question\n")
    assert (outcome.status, outcome.out) == (0, "answer\n")


async def test_ctrl_c_closes() -> None:
    async with websockets_server(Behaviour(burst=["ready"])) as listening:
        outcome = await asyncio.to_thread(_interrupt, listening.url)
        assert (await listening.closes.get())[0] == 1000
    assert outcome == Outcome(130, "", CLOSED)


def _interrupt(url: str) -> Outcome:
    with commandline.started("connect", url) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        process.send_signal(signal.SIGINT)
        process.wait(commandline.SECONDS)
        return commandline.ended(process)


async def test_a_reader_that_has_seen_enough() -> None:
    async with websockets_server() as listening:
        outcome = await asyncio.to_thread(_stop_reading, listening.url)
        assert (await listening.closes.get())[0] == 1000
    assert outcome == (0, b"")


def _stop_reading(url: str) -> tuple[int, bytes]:
    with commandline.started("connect", url) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdin.write(b"one\n")
        process.stdin.flush()
        assert process.stdout.readline() == b"one\n"
        process.stdout.close()
        process.stdin.write(b"two\n")
        process.stdin.flush()
        return process.wait(commandline.SECONDS), process.stderr.read()
