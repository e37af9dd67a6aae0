"""Reconnecting after a failed write: the old connection is read to its end first."""

from __future__ import annotations

import contextlib
import socket
import ssl
from collections.abc import Iterator

import pytest
from ends import Tls, collect
from leaver import (
    CLOSE_FRAME,
    MESSAGES,
    Leave,
    Leaver,
    leaving,
    text_frames,
    write_until_it_fails,
)
from outages import LIFETIME, Clock, clock

import wirespeed
from wirespeed import CloseCause, Reconnect

__all__ = ["clock"]

pytestmark = pytest.mark.usefixtures("transports", "clock")


@contextlib.contextmanager
def two_leavers(tls: ssl.SSLContext | None, leave: Leave) -> Iterator[tuple[Leaver, Leaver]]:
    """Run two peers on one port: each serves one connection, in turn."""
    listening = socket.create_server(("127.0.0.1", 0))
    with leaving(listening=listening, leave=leave, tls=tls) as first:
        second_frames = text_frames(["second"])
        with leaving(
            listening=listening.dup(), after=first, tls=tls, first=second_frames, rest=CLOSE_FRAME
        ) as second:
            yield first, second


@pytest.mark.parametrize("leave", [Leave.CLOSE, Leave.RESET], ids=lambda leave: leave.name)
async def test_all_messages_come_before_the_next_connection(tls: Tls, leave: Leave) -> None:
    received: list[str | bytes] = []
    with two_leavers(tls.server, leave) as (first, second):
        connecting = wirespeed.connect(
            **first.where,
            ssl=tls.client,
            max_queue=2,
            ping_interval=None,
            reconnect=Reconnect(initial=1),
        )
        async with contextlib.aclosing(aiter(connecting)) as connections:
            async for ws in connections:
                received.append(await ws.receive_text())
                if len(received) > 1:
                    break
                await first.left()
                await write_until_it_fails(ws)
                await collect(ws, received)
                assert ws.close_code == 1000
            second.may_leave.set()
    assert received == [*MESSAGES, "second"]


async def test_an_old_connection_is_read_to_its_end(tls: Tls, clock: Clock) -> None:
    received: list[str | bytes] = []
    with two_leavers(tls.server, Leave.CLOSE) as (first, second):
        connecting = wirespeed.connect(
            **first.where,
            ssl=tls.client,
            ping_interval=None,
            reconnect=Reconnect(initial=1, max_lifetime=LIFETIME),
        )
        async with contextlib.aclosing(aiter(connecting)) as connections:
            old = await anext(connections)
            received.append(await old.receive_text())
            first.left_meanwhile()
            await write_until_it_fails(old)
            # The next connection is opened now, while messages of the old one wait.
            clock.lifetime_over.set()
            await collect(old, received)
            assert received == MESSAGES
            assert old.close_code == 1000
            assert old.close_info is not None
            assert old.close_info.cause in {CloseCause.PEER_CLOSE, CloseCause.CLOSE}
            new = await anext(connections)
            assert await new.receive_text() == "second"
            second.may_leave.set()
