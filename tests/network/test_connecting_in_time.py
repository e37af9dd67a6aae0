"""Openings that stall in each of their phases, or are cancelled at each of their steps.

Nothing waits for a real network: servers stall for as long as the test needs.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import socket
import ssl
import threading
from collections.abc import Callable, Coroutine, Generator
from typing import Any

import pytest
from ends import Tls, nothing_left, turns
from rawserver import RawConnection, raw_server
from resolving import NAME, closed_port, resolve, resolve_never, silent_port

import wirespeed
import wirespeed._network.tcp
from wirespeed import OpenTimeout, WebSocketConnection

pytestmark = pytest.mark.usefixtures("transports")


async def stall(connection: RawConnection) -> None:
    """Never answer. The client must give up and end the stream."""
    await connection.read_rest()


async def accept(connection: RawConnection) -> None:
    """Accept the connection if the client gets that far."""
    with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
        await connection.accept()
        await connection.read_rest()


async def opening(url: str, **options: Any) -> WebSocketConnection:
    return await wirespeed.connect(url, **options)


async def phase_of_timeout(url: str, **options: Any) -> str | None:
    """Connect until the time runs out; return the phase in which it does."""
    with pytest.raises(OpenTimeout) as caught:
        await wirespeed.connect(url, open_timeout=0.05, **options)
    assert str(caught.value).endswith(f"in the phase {caught.value.phase}")
    assert "0.05 seconds" in str(caught.value)
    return caught.value.phase


# -- one deadline over all phases ----------------------------------------------------------


async def test_a_resolver_that_stalls(monkeypatch: pytest.MonkeyPatch) -> None:
    resolve_never(monkeypatch)
    assert await phase_of_timeout(f"ws://{NAME}/") == "dns"
    assert await phase_of_timeout(f"wss://{NAME}/") == "dns"


@pytest.mark.loops("asyncio")
async def test_a_resolver_that_blocks_its_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    released = threading.Event()

    def getaddrinfo(*_: object, **__: object) -> list[Any]:
        assert released.wait(60)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    try:
        assert await phase_of_timeout(f"ws://{NAME}/") == "dns"
        task = asyncio.ensure_future(opening(f"ws://{NAME}/", open_timeout=None))
        await turns(10)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    finally:
        released.set()


async def test_a_host_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    with silent_port() as silent:
        url = f"ws://127.0.0.1:{silent.getsockname()[1]}/"
        assert await phase_of_timeout(url) == "tcp"
        assert await phase_of_timeout(url.replace("ws:", "wss:")) == "tcp"
        assert await phase_of_timeout(url, family=socket.AF_INET) == "tcp"
        resolve(monkeypatch, silent, silent, silent)
        monkeypatch.setattr(wirespeed._network.tcp, "ATTEMPT_DELAY_SECONDS", 0.01)
        assert await phase_of_timeout(f"ws://{NAME}/") == "tcp"


async def test_a_server_that_stalls_in_tls(client_ssl: ssl.SSLContext) -> None:
    # Not the default context: making it takes 20 ms of the time, before TCP.
    async with raw_server(stall) as url:
        assert await phase_of_timeout(url.replace("ws:", "wss:"), ssl=client_ssl) == "tls"


async def test_a_server_that_never_answers(tls: Tls) -> None:
    async with raw_server(stall, ssl=tls.server) as url:
        assert await phase_of_timeout(url, ssl=tls.client) == "upgrade"


async def test_a_given_socket_is_closed_in_time(tls: Tls) -> None:
    url = "ws://localhost/" if tls.client is None else "wss://localhost/"
    async with nothing_left():
        own, other = socket.socketpair()
        with other:
            phase = await phase_of_timeout(url, ssl=tls.client, sock=own)
        assert phase == ("upgrade" if tls.client is None else "tls")


# -- cancelling ------------------------------------------------------------------------------


class Stepped:
    """Awaits a coroutine, and makes a call each time that it has to wait."""

    def __init__(self, coroutine: Coroutine[Any, Any, Any], on_wait: Callable[[], None]) -> None:
        self._coroutine = coroutine
        self._on_wait = on_wait

    def __await__(self) -> Generator[Any, Any, Any]:
        proceed: Callable[[], Any] = functools.partial(self._coroutine.send, None)
        while True:
            try:
                waited_for = proceed()
            except StopIteration as stop:
                return stop.value
            self._on_wait()
            try:
                yield waited_for
                proceed = functools.partial(self._coroutine.send, None)
            except BaseException as exc:
                proceed = functools.partial(self._coroutine.throw, exc)


async def cancelled(waits: int, late: int, url: str, **options: Any) -> bool:
    """Cancel an opening `late` turns of the loop after it has waited `waits` times and waits again.

    Returns:
        Whether the opening waited that often.
    """
    left = waits
    reached = asyncio.get_running_loop().create_future()

    def on_wait() -> None:
        nonlocal left
        left -= 1
        if left == -1:
            reached.set_result(None)

    async def run() -> WebSocketConnection:
        connection: WebSocketConnection = await Stepped(opening(url, **options), on_wait)
        return connection

    task = asyncio.ensure_future(run())
    await asyncio.wait({task, reached}, return_when=asyncio.FIRST_COMPLETED)
    came_to_it = reached.done()
    await turns(late)
    task.cancel()
    # The connection may have opened in time.
    with contextlib.suppress(asyncio.CancelledError):
        connection = await task
        connection.abort()
        await connection.wait_closed()
    return came_to_it


async def cancel_at_each_step(url: str, **options: Any) -> int:
    """Cancel openings wherever they wait; return the number of these places."""
    for late in range(4):
        waits = 0
        going_on = True
        while going_on:
            async with nothing_left():
                going_on = await cancelled(waits, late, url, **options)
            waits += 1
    return waits - 1


async def test_cancelling_at_each_step(tls: Tls) -> None:
    async with raw_server(accept, ssl=tls.server, connections=0) as url:
        assert await cancel_at_each_step(url, ssl=tls.client) >= (2 if tls.client is None else 3)


async def test_cancelling_a_race_at_each_step(tls: Tls, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wirespeed._network.tcp, "ATTEMPT_DELAY_SECONDS", 0)
    with closed_port() as closed, silent_port() as silent, socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        resolve(monkeypatch, closed, silent, listening)
        async with raw_server(accept, ssl=tls.server, connections=0, sock=listening) as url:
            name = url.replace("127.0.0.1", NAME)
            waits = await cancel_at_each_step(name, ssl=tls.client, server_hostname="localhost")
            assert waits >= (3 if tls.client is None else 5)


@pytest.mark.parametrize("seconds", [0, 1e-4, 3e-4, 1e-3, 3e-3])
async def test_no_time_leaves_nothing(seconds: float, tls: Tls) -> None:
    async with raw_server(stall, ssl=tls.server, connections=0) as url, nothing_left():
        with pytest.raises(OpenTimeout):
            await wirespeed.connect(url, ssl=tls.client, open_timeout=seconds)


@pytest.mark.parametrize("steps", range(6))
async def test_a_given_socket_is_closed_when_cancelled(steps: int, tls: Tls) -> None:
    url = "ws://localhost/" if tls.client is None else "wss://localhost/"
    async with nothing_left():
        own, other = socket.socketpair()
        with other:
            task = asyncio.ensure_future(opening(url, ssl=tls.client, sock=own))
            await turns(1 + steps)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
