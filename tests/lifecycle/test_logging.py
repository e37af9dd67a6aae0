"""What is logged at which level, and what is never logged.

Depends only on the frames that were sent, not on how they are read.
"""

from __future__ import annotations

import logging

import pytest
from ends import (
    Tls,
    binary_frame,
    both_ends,
    close_frame,
    collect,
    deliver,
    ping_frame,
    text_frame,
)
from rawserver import RawConnection, raw_server

import wirespeed
from wirespeed import HandshakeError
from wirespeed._lifecycle.frame_log import FrameTrace

pytestmark = pytest.mark.usefixtures("transports")


def lines(caplog: pytest.LogCaptureFixture, level: int = logging.DEBUG) -> list[str]:
    """Return the messages that were logged at `level`."""
    records = [record for record in caplog.records if record.name == "wirespeed"]
    return [record.getMessage() for record in records if record.levelno == level]


async def converse(client: wirespeed.WebSocketConnection, server: RawConnection) -> None:
    """Exchange frames of all kinds and sizes."""
    await deliver(server, text_frame("one\n", fin=False) + b"\x80\x03two" + binary_frame(b"\0\xff"))
    await deliver(server, text_frame("é" * 100_000) + binary_frame(b"z" * 300_000))
    await client.send_many(["1", b"2"])
    await client.send_text("x" * 200_000)
    for _ in range(3):
        await server.read_frame()
    await server.write(close_frame(1001, "away\x1b"))
    await server.expect_close()
    server.writer.close()
    await collect(client)
    await client.wait_closed()


@pytest.mark.parametrize("level", [logging.DEBUG, logging.INFO, logging.WARNING])
async def test_each_level(tls: Tls, level: int, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(level, "wirespeed")
    async with both_ends(trailing=ping_frame(b"hi"), server_ssl=tls.server, ssl=tls.client) as (
        client,
        server,
    ):
        assert (await server.read_frame()).payload == b"hi"
        await converse(client, server)
    info = lines(caplog, logging.INFO)
    debug = lines(caplog)
    if level > logging.INFO:
        assert info == []
    else:
        opened, closed = info
        assert opened.startswith("opened ws")
        assert closed.startswith(f"closed {opened.removeprefix('opened ')}: closed by peer: ")
        assert "received 1001 'away\\x1b', sent 1001 'away\\x1b'" in closed
    if level > logging.DEBUG:
        assert debug == []
        return
    expected = [
        "ping 2 bytes 68 69",
        "text (not the last) 4 bytes 'one\\n'",
        "continuation 3 bytes 74 77 6f",
        "binary 2 bytes 00 ff",
        "ping 10 bytes 64 65 6c 69 76 65 72 65 64 3f",
        "text 200000 bytes '" + "é" * 71 + "...",
        "binary 300000 bytes " + "7a " * 24 + "...",
        "ping 10 bytes 64 65 6c 69 76 65 72 65 64 3f",
        "close 7 bytes 1001 'away\\x1b'",
    ]
    assert [line.removeprefix("< ") for line in debug if line.startswith("< ")] == expected
    expected = [
        "pong 2 bytes 68 69",
        "pong 10 bytes 64 65 6c 69 76 65 72 65 64 3f",
        "pong 10 bytes 64 65 6c 69 76 65 72 65 64 3f",
        "text 1 bytes '1'",
        "binary 1 bytes 32",
        "text 200000 bytes '" + "x" * 71 + "...",
        "close 7 bytes 1001 'away\\x1b'",
    ]
    assert [line.removeprefix("> ") for line in debug if line.startswith("> ")] == expected


async def test_no_secret_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    async def serve(connection: RawConnection) -> None:
        upgrade = await connection.accept("Set-Cookie: secret=1")
        assert upgrade.headers["authorization"].startswith("Basic ")
        await connection.expect_close()

    caplog.set_level(logging.DEBUG, "wirespeed")
    async with raw_server(serve) as url:
        secret = url.replace("ws://", "ws://secret:secret@") + "path?secret=secret"
        async with wirespeed.connect(secret, headers={"Cookie": "secret"}):
            pass
    told = "\n".join(lines(caplog) + lines(caplog, logging.INFO))
    assert "/path: closed by local" in told
    assert "secret" not in told


async def test_a_refusal_is_no_frame(caplog: pytest.LogCaptureFixture) -> None:
    async def serve(connection: RawConnection) -> None:
        await connection.read_upgrade()
        await connection.write(b"HTTP/1.1 403 No\r\nContent-Length: 4\r\n\r\n\x81\x02no")

    caplog.set_level(logging.DEBUG, "wirespeed")
    async with raw_server(serve) as url:
        with pytest.raises(HandshakeError):
            await wirespeed.connect(url)
    assert lines(caplog) == lines(caplog, logging.INFO) == []


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_frames_in_pieces(size: int, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "wirespeed")
    data = (
        text_frame("")
        + text_frame("x" * 126)
        + b"\x8f\x00"
        + binary_frame(b"y" * 70_000)
        + b"\xc1\x01\x00"
        + b"\x81\x81\x01\x02\x03\x04"
        + bytes((ord("m") ^ 1,))
        + b"\x88\x00"
        + b"\x88\x01\x03"
        + b"\x81\x02\xff\xfe"
    )
    trace = FrameTrace("<")
    for start in range(0, len(data), size):
        trace.feed(data[start : start + size])
    assert lines(caplog) == [
        "< text 0 bytes",
        "< text 126 bytes '" + "x" * 71 + "...",
        "< opcode 0xf 0 bytes",
        "< binary 70000 bytes " + "79 " * 24 + "...",
        "< text rsv 0x40 1 bytes 00",
        "< text 1 bytes 'm'",
        "< close 0 bytes",
        "< close 1 bytes 03",
        "< text 2 bytes '\\\\xff\\\\xfe'",
    ]
