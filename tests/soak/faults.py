"""What the server does to a connection, by name: how it opens, and how it ends."""

from __future__ import annotations

import math
import sys
from collections.abc import Awaitable, Callable
from typing import Final

import reference
from rawserver import PING, TEXT, RawConnection, Upgrade, accept_response
from soak.peer import NO_CODE, RSV1, Peer

# The longest time to spend sending before the fault.
MOST_SECONDS: Final = 2.0

CLOSE_CODES: Final = (1000, 1001, NO_CODE, 1002, 1008, 1011, 1012, 3000, 4999)


# -- openings that fail --------------------------------------------------------------------


async def refuse(connection: RawConnection, upgrade: Upgrade) -> None:
    body = b"not now"
    head = f"HTTP/1.1 503 Service Unavailable\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    await connection.write(head[:20])
    await connection.write(head[20:] + body)


async def babble(connection: RawConnection, upgrade: Upgrade) -> None:
    await connection.write(b"\x00\xff SSH-2.0 hello\r\n\r\n" * 50)


async def stall(connection: RawConnection, upgrade: Upgrade) -> None:
    await connection.write(accept_response(upgrade)[:30])


async def hang_up(connection: RawConnection, upgrade: Upgrade) -> None:
    await connection.write(accept_response(upgrade)[:30])
    connection.writer.write_eof()


async def slam(connection: RawConnection, upgrade: Upgrade) -> None:
    await connection.write(accept_response(upgrade)[:30])
    connection.reset()


# -- ends of open connections --------------------------------------------------------------


async def close(peer: Peer) -> None:
    """Close cleanly with any code, perhaps inside an unfinished message."""
    await _stream(peer)
    if peer.choose.random() < 0.2 and not peer.ended.is_set():
        await peer.send_fragment()
    await _finish(peer, peer.choose.choice(CLOSE_CODES))


async def eof(peer: Peer) -> None:
    """End the stream between two frames, without a Close frame."""
    await _stream(peer)
    if peer.ended.is_set():
        await _finish(peer)
    await peer.end_stream()


async def truncate(peer: Peer) -> None:
    """End the stream inside a frame."""
    await _stream(peer)
    if peer.ended.is_set():
        await _finish(peer)
    else:
        await peer.send_part_of_frame()
    await peer.end_stream()


async def reset(peer: Peer) -> None:
    """Reset the connection, perhaps inside a frame."""
    await _stream(peer)
    if peer.choose.random() < 0.5 and not peer.ended.is_set():
        await peer.send_part_of_frame()
    peer.reset()


async def garbage(peer: Peer) -> None:
    """Send bytes that no server may send. The client must fail the connection."""
    await _stream(peer)
    if peer.ended.is_set():
        await _finish(peer)
    else:
        await peer.send(peer.choose.choice(_GARBAGE))
        await peer.ended.wait()
    await peer.end_stream()


async def mute(peer: Peer) -> None:
    """Fall silent: send neither messages nor Pongs until the client gives up."""
    await _stream(peer)
    peer.withholds_pongs = True
    peer.reading_stall = peer.choose.choice((0.0, 1.0))
    await peer.ended.wait()
    await peer.end_stream()


async def idle(peer: Peer) -> None:
    """Answer Pings, but send no more messages until the client gives up."""
    await _stream(peer)
    await peer.ended.wait()
    await peer.end_stream()


async def deaf(peer: Peer) -> None:
    """Never answer the client's Close frame."""
    await peer.stream(sys.maxsize, math.inf, longest_rest=0.02)
    if peer.choose.random() < 0.5:
        await peer.send_fragment()


async def endless(peer: Peer) -> None:
    """Send until the client closes, and perhaps more before answering its Close frame."""
    await peer.stream(sys.maxsize, math.inf, longest_rest=0.02)
    await peer.send_messages(peer.choose.choice((0, 0, 5, 100)))
    await _finish(peer)


async def _stream(peer: Peer) -> None:
    count = peer.choose.choice((0, 3, 30, 30, 200, 600))
    await peer.stream(peer.choose.randint(0, count), MOST_SECONDS)


async def _finish(peer: Peer, code: int = 1000) -> None:
    """Do the server's part of the closing handshake. The client's Close frame may come first."""
    await peer.send_close(code, "" if code == NO_CODE else "that is all")
    await peer.ended.wait()
    # The server closes TCP first (RFC 6455 section 7.1.1).
    await peer.end_stream()


_GARBAGE: Final = (
    reference.header(0x3, 0),
    reference.header(TEXT, 4, masked=True) + b"keyabcd1",
    reference.header(TEXT, 1, reserved=RSV1 | 0x20) + b"x",
    reference.header(0x0, 1) + b"x",
    reference.header(PING, 126, length_bytes=2) + bytes(126),
    reference.header(TEXT, 5, length_bytes=8) + b"hello",
    reference.header(TEXT, 2) + b"\xc3\x28",
    reference.header(0x8, 2) + b"\x03\xed",
    reference.header(TEXT, 2**40),
)

OPENINGS: Final[dict[str, Callable[[RawConnection, Upgrade], Awaitable[None]]]] = {
    function.__name__: function for function in (refuse, babble, stall, hang_up, slam)
}
ENDINGS: Final[dict[str, Callable[[Peer], Awaitable[None]]]] = {
    function.__name__: function
    for function in (close, eof, truncate, reset, garbage, mute, idle, deaf, endless)
}
# The client cancels the opening. The server learns of it late, or never if the connection was open
# by then.
ENDINGS["cancel"] = close
