"""An opening cancelled after the answer has come, on a loop that closes without a notice.

The transport follows a script, so that the test does not depend on timing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from ends import close_frame, text_frame, turns
from rawserver import accept_response, parse_upgrade

import wirespeed
import wirespeed._opening.open_connection

if TYPE_CHECKING or wirespeed.implementation == "pure":
    from wirespeed._channel import BufferedChannelProtocol, ChannelProtocol
else:
    from wirespeed._channel_c import BufferedChannelProtocol, ChannelProtocol


class VanishingTransport(asyncio.Transport):
    """A transport like uvloop's after a cancelled `create_connection`: unusable, but not closing.

    Attributes:
        written: all that was written.
        is_gone: whether nothing can be done with it any more.
    """

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.is_gone = False

    def write(self, data: Any) -> None:
        self.pause_reading()
        self.written += data

    def pause_reading(self) -> None:
        if self.is_gone:
            raise RuntimeError("unable to perform the operation: the handler is closed")

    def resume_reading(self) -> None:
        self.pause_reading()

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self.pause_reading()

    def is_closing(self) -> bool:
        return False


# What the server sends after the message: nothing, the end, or a frame with a reserved opcode.
@pytest.mark.parametrize("more", [b"", close_frame(), b"\x83\x00"], ids=["", "close", "fault"])
@pytest.mark.parametrize("batch_window", [0.0, 0.001])
async def test_the_timers_of_the_connection_end(
    batch_window: float, more: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[wirespeed.WebSocketConnection] = []
    transport = VanishingTransport()

    def make(*args: Any, **options: Any) -> wirespeed.WebSocketConnection:
        made.append(wirespeed.WebSocketConnection(*args, **options))
        return made[0]

    async def open_and_vanish(
        url: object, make_link: Callable[[type[ChannelProtocol]], Any], *rest: object
    ) -> None:
        link = make_link(BufferedChannelProtocol)
        link.connection_made(transport)
        link.send_request()
        for data in (accept_response(parse_upgrade(transport.written)), text_frame("hello") + more):
            link.get_buffer(-1)[: len(data)] = data
            link.buffer_updated(len(data))
        # The window is open at this point.
        await turns(2)
        transport.is_gone = True
        raise asyncio.CancelledError

    monkeypatch.setattr(wirespeed._opening.open_connection, "open_transport", open_and_vanish)
    with pytest.raises(asyncio.CancelledError):
        await wirespeed.connect(
            "ws://127.0.0.1/",
            create_connection=make,
            ping_interval=0.001,
            batch_window=batch_window,
        )
    [connection] = made
    assert connection.closed
    await connection.wait_closed()


class StubbornTransport(VanishingTransport):
    """A transport that never tells of its end."""

    def abort(self) -> None:
        self.is_gone = True


async def test_a_transport_that_never_ends_does_not_hold_up_the_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    transport = StubbornTransport()

    async def open_stubborn(
        url: object, make_link: Callable[[type[ChannelProtocol]], Any], *rest: object
    ) -> StubbornTransport:
        make_link(BufferedChannelProtocol).connection_made(transport)
        return transport

    monkeypatch.setattr(wirespeed._opening.open_connection, "open_transport", open_stubborn)
    monkeypatch.setattr(wirespeed._opening.open_connection, "ABORT_SECONDS", 0.01)
    with pytest.raises(wirespeed.OpenTimeout):
        await wirespeed.connect("ws://127.0.0.1/", open_timeout=0.01)
    assert transport.is_gone
