"""CPU per message of wirespeed beside that of `picows` callbacks, measured in alternation.

    python benchmarks/side_by_side.py [--loop uvloop] [--rounds 15]

Both clients live in one process and take turns, a slice of messages each, so that whatever
else the machine does meets both alike; the server is a process of its own, on another core
where there are two. What is compared is the processor time of the client's process, user and
system, a message: medians over the rounds, and the median of the ratios round by round.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import contextlib
import hashlib
import multiprocessing
import os
import socket
import statistics
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

import picows

import wirespeed
from wirespeed._backend import MessageParser
from wirespeed._rfc6455 import HANDSHAKE_GUID, OPCODE_TEXT, frame_header

Slice = Callable[[int], Awaitable[None]]
"""Receives so many messages, after asking the server for them."""


@dataclass(frozen=True)
class Work:
    """What one line of the table measures: answers of `size` bytes, `answers` to a request."""

    name: str
    size: int
    answers: int
    requests: int

    @property
    def messages(self) -> int:
        return self.answers * self.requests


WORKS = (
    Work("receive 64 B text, a flood", 64, 20_000, 4),
    Work("receive 1 KiB text, a flood", 1024, 4_000, 4),
    Work("echo 256 B text, one in flight", 256, 1, 1_000),
)


def pin(core: int) -> None:
    """Stay on one core, where there are several."""
    if hasattr(os, "sched_setaffinity") and (os.cpu_count() or 1) > 1:
        os.sched_setaffinity(0, {core})


def serve(port: Connection) -> None:
    """Answer each message with what the path asks for: /size/count."""
    pin(1)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port.send(listening.getsockname()[1])
        while True:
            client, _ = listening.accept()
            if not os.fork():
                with contextlib.suppress(OSError):
                    answer(client)
                os._exit(0)
            client.close()


def answer(client: socket.socket) -> None:
    """Serve one connection until it ends."""
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    head = b""
    while b"\r\n\r\n" not in head:
        head += client.recv(65536)
    size, count = (int(part) for part in head.split()[1].decode().strip("/").split("/"))
    key = next(
        line.split(b": ", 1)[1]
        for line in head.split(b"\r\n")
        if line.lower().startswith(b"sec-websocket-key: ")
    )
    accept = base64.b64encode(hashlib.sha1(key + HANDSHAKE_GUID).digest())
    client.sendall(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
    )
    answers = (frame_header(OPCODE_TEXT, size) + b"a" * size) * count
    parser = MessageParser(masked=True)
    while data := client.recv(65536):
        requests: list[str | bytes] = []
        parser.feed(data, requests)
        for _ in requests:
            client.sendall(answers)


async def wirespeed_iteration(url: str, work: Work) -> Slice:
    """Receive with `async for`."""
    ws = await wirespeed.connect(url)
    request = "a" * work.size
    stream = aiter(ws)

    async def run(requests: int) -> None:
        for _ in range(requests):
            await ws.send(request)
            left = work.answers
            async for _message in stream:
                left -= 1
                if not left:
                    break

    return run


async def wirespeed_batches(url: str, work: Work) -> Slice:
    """Receive with `receive_many`."""
    ws = await wirespeed.connect(url)
    request = "a" * work.size

    async def run(requests: int) -> None:
        for _ in range(requests):
            await ws.send(request)
            left = work.answers
            while left:
                left -= len(await ws.receive_many())

    return run


class Callbacks(picows.WSListener):  # type: ignore[misc]
    """Receive with `picows` callbacks, decoding each message as the others do."""

    left = 0
    requests = 0

    def __init__(self, work: Work) -> None:
        self.work = work
        self.request = b"a" * work.size
        self.done: asyncio.Future[None] | None = None

    def on_ws_frame(self, transport: Any, frame: Any) -> None:
        frame.get_payload_as_utf8_text()
        self.left -= 1
        if self.left:
            return
        self.requests -= 1
        if self.requests:
            self.left = self.work.answers
            transport.send(picows.WSMsgType.TEXT, self.request)
        elif self.done is not None:
            self.done.set_result(None)


async def picows_callbacks(url: str, work: Work) -> Slice:
    """Receive in the callback; the next request is sent there too."""
    transport, listener = await picows.ws_connect(lambda: Callbacks(work), url)

    async def run(requests: int) -> None:
        listener.done = asyncio.get_running_loop().create_future()
        listener.requests = requests
        listener.left = work.answers
        transport.send(picows.WSMsgType.TEXT, listener.request)
        await listener.done

    return run


CLIENTS: dict[str, Callable[[str, Work], Awaitable[Slice]]] = {
    "picows callbacks": picows_callbacks,
    "wirespeed async for": wirespeed_iteration,
    "wirespeed receive_many": wirespeed_batches,
}


async def measure(work: Work, port: int, rounds: int) -> dict[str, list[float]]:
    """Return the microseconds a message of each client, one figure a round."""
    url = f"ws://127.0.0.1:{port}/{work.size}/{work.answers}"
    slices = {name: await client(url, work) for name, client in CLIENTS.items()}
    figures: dict[str, list[float]] = {name: [] for name in slices}
    for number in range(rounds + 1):
        for name, run in slices.items():
            began = time.process_time()
            await run(work.requests)
            spent = time.process_time() - began
            if number:  # The first round warms up.
                figures[name].append(spent / work.messages * 1e6)
    return figures


def rows(work: Work, figures: dict[str, list[float]]) -> Iterator[str]:
    """Write the figures of one work down."""
    yield f"\n{work.name}"
    base = figures["picows callbacks"]
    for name, spent in figures.items():
        ratio = statistics.median(mine / theirs for mine, theirs in zip(spent, base, strict=True))
        low, high = min(spent), max(spent)
        yield (
            f"  {name:24}{statistics.median(spent):8.3f} us"
            f"   ratio {ratio:.2f}   ({low:.3f} to {high:.3f})"
        )


def main() -> None:
    """Measure every work and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--loop", choices=["asyncio", "uvloop"], default="asyncio")
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    ours, theirs = multiprocessing.Pipe()
    server = multiprocessing.get_context("fork").Process(target=serve, args=(theirs,), daemon=True)
    server.start()
    port = ours.recv()
    pin(0)
    factory = None
    if options.loop == "uvloop":
        import uvloop

        factory = uvloop.new_event_loop
    print(f"wirespeed {wirespeed.__version__} ({wirespeed.implementation}), {options.loop}")
    for work in WORKS:
        with asyncio.Runner(loop_factory=factory) as runner:
            figures = runner.run(measure(work, port, options.rounds))
        print("\n".join(rows(work, figures)), flush=True)
    server.terminate()


if __name__ == "__main__":
    main()
