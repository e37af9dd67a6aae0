"""Lines are read from every kind of standard input, without blocking the event loop."""

from __future__ import annotations

import asyncio
import io
import os
from pathlib import Path

import pytest

from wirespeed._cli.input.stdin_lines import LineReader


async def read_all(reader: LineReader) -> list[bytes]:
    lines: list[bytes] = []
    while more := await reader.read():
        lines += more
    return lines


async def turns() -> None:
    """Let the event loop poll its files a few times."""
    for _ in range(5):
        await asyncio.sleep(0)


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        (b"", []),
        (b"one\n", [b"one"]),
        (b"one\ntwo", [b"one", b"two"]),
        (b"one\r\ntwo\r\n", [b"one", b"two"]),
        (b"\n\n", [b"", b""]),
        (b"\r", [b""]),
        ("ü\n€".encode(), ["ü".encode(), "€".encode()]),
        (b"x" * 200_000 + b"\n" + b"y" * 70_000, [b"x" * 200_000, b"y" * 70_000]),
        (b"\n".join(b"%d" % n for n in range(50_000)), [b"%d" % n for n in range(50_000)]),
    ],
)
async def test_lines_of_a_file(content: bytes, lines: list[bytes], tmp_path: Path) -> None:
    path = tmp_path / "lines"
    path.write_bytes(content)
    with path.open("rb", buffering=0) as file:
        assert await read_all(LineReader(file)) == lines


async def test_a_device_without_input() -> None:
    with io.FileIO(os.devnull) as file:
        assert await LineReader(file).read() == []


async def test_a_directory_cannot_be_read(tmp_path: Path) -> None:
    descriptor = os.open(tmp_path, os.O_RDONLY)

    class Directory(io.RawIOBase):
        def fileno(self) -> int:
            return descriptor

        def read(self, size: int = -1) -> bytes:
            return os.read(descriptor, size)

    try:
        with pytest.raises(IsADirectoryError):
            await LineReader(Directory()).read()
    finally:
        os.close(descriptor)


class Pipe:
    """A pipe whose input is read as lines."""

    def __init__(self) -> None:
        reading, self.writing = os.pipe()
        self.file = io.FileIO(reading)
        self.reader = LineReader(self.file)

    def write(self, data: bytes) -> None:
        os.write(self.writing, data)

    def end(self) -> None:
        os.close(self.writing)


async def test_lines_of_a_pipe_come_as_they_are_written() -> None:
    pipe = Pipe()
    with pipe.file:
        pipe.write(b"one\ntwo\nthr")
        assert await pipe.reader.read() == [b"one", b"two"]
        waiting = asyncio.create_task(pipe.reader.read())
        pipe.write(b"ee")
        await turns()
        assert not waiting.done()
        pipe.write(b"\n")
        assert await waiting == [b"three"]
        pipe.write(b"end")
        pipe.end()
        assert await pipe.reader.read() == [b"end"]
        assert await pipe.reader.read() == []


async def test_a_cancelled_read_leaves_the_pipe_alone() -> None:
    pipe = Pipe()
    with pipe.file:
        waiting = asyncio.create_task(pipe.reader.read())
        await turns()
        waiting.cancel()
        await asyncio.wait({waiting})
        pipe.write(b"for another\n")
        await turns()
        assert os.read(pipe.file.fileno(), 100) == b"for another\n"
        pipe.end()


# The command line runs on asyncio's own loop. libuv makes the files that it polls non-blocking.
@pytest.mark.loops("asyncio")
async def test_a_pipe_stays_blocking() -> None:
    pipe = Pipe()
    with pipe.file:
        pipe.write(b"one\n")
        await pipe.reader.read()
        assert os.get_blocking(pipe.file.fileno())
        pipe.end()


async def test_a_pipe_that_is_not_blocking_has_no_early_end() -> None:
    pipe = Pipe()
    os.set_blocking(pipe.file.fileno(), False)
    with pipe.file:
        waiting = asyncio.create_task(pipe.reader.read())
        await turns()
        assert not waiting.done()
        pipe.write(b"late\n")
        assert await waiting == [b"late"]
        pipe.end()
