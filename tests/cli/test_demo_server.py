"""The demo's feed server: it ends with its parent process, and answers as it must."""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
import sys
from collections.abc import Iterator

import commandline
import pytest

import wirespeed

FEED = [sys.executable, "-W", "error", "-m", "wirespeed._cli.demo.server"]


@contextlib.contextmanager
def feed(*arguments: str) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """Run the feed server for the duration of the block; yield its process and port."""
    with subprocess.Popen(
        [*FEED, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        try:
            assert process.stdout is not None
            yield process, int(process.stdout.readline())
        finally:
            process.kill()


def end_of(process: subprocess.Popen[bytes]) -> tuple[int, bytes]:
    assert process.stderr is not None
    return process.wait(commandline.SECONDS), process.stderr.read()


def test_it_ends_with_its_parent_before_anybody_connects() -> None:
    with feed("--messages", "1") as (process, _):
        assert process.stdin is not None
        process.stdin.close()
        assert end_of(process) == (0, b"")


@pytest.mark.parametrize("options", [[], ["--tls"]], ids=["plain", "tls"])
def test_it_ends_with_its_parent_while_a_client_says_nothing(options: list[str]) -> None:
    with feed("--messages", "1", *options) as (process, port):
        assert process.stdin is not None
        with socket.create_connection(("127.0.0.1", port)):
            process.stdin.close()
            assert end_of(process) == (0, b"")


def test_it_ends_with_its_parent_while_it_cannot_send() -> None:
    with feed("--seconds", "600") as (process, port):
        assert process.stdin is not None
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.sendall(
                b"GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
            )
            assert client.recv(12) == b"HTTP/1.1 101"
            process.stdin.close()
            assert end_of(process) == (0, b"")


@pytest.mark.parametrize("data", [b"", b"garbage\r\n\r\n", b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"])
def test_it_ends_with_a_client_that_is_none(data: bytes) -> None:
    with (
        feed("--messages", "1") as (process, port),
        socket.create_connection(("127.0.0.1", port)) as client,
    ):
        client.sendall(data)
        client.shutdown(socket.SHUT_WR)
        assert end_of(process) == (0, b"")


@pytest.mark.loops("asyncio")
async def test_it_answers_pings_and_a_close() -> None:
    with feed("--seconds", "600") as (process, port):
        async with wirespeed.connect(f"ws://127.0.0.1:{port}/") as ws:
            answer = await ws.ping(b"now")
            numbers = []
            while not answer.done():
                numbers += [json.loads(text)["n"] for text in await ws.receive_many()]
            await ws.send_text("of no use to it")
        assert numbers == list(range(len(numbers)))
        assert (ws.close_code, answer.result() > 0) == (1000, True)
        assert end_of(process) == (0, b"")
