"""The server's end of one connection: writes in odd ways, and counts every byte of both sides.

Does not use the codec under test.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import random
import socket
import zlib
from collections import deque
from typing import Final

import reference
from rawserver import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    ClientFrame,
    RawConnection,
    Upgrade,
    accept_response,
    close_payload,
)
from soak.numbered import CorruptMessageError, from_client, from_server, message, number_of
from soak.report import Report

RSV1: Final = 0x40
TAIL: Final = b"\x00\x00\xff\xff"
NO_CODE: Final = 1005

# Socket buffers this small fill up after a few messages.
NARROW_BYTES: Final = 16_384


class BadClientError(Exception):
    """The client did something that the protocol forbids."""


class Compression:
    """The server's side of permessage-deflate (RFC 7692)."""

    def __init__(self, choose: random.Random) -> None:
        self._choose = choose
        self._server_context = choose.random() < 0.7
        self._client_context = choose.random() < 0.7
        self._deflater = self._new_deflater()
        self._inflater = zlib.decompressobj(-15)

    def header(self) -> str:
        """Return the header line that accepts the extension."""
        line = "Sec-WebSocket-Extensions: permessage-deflate"
        line += "" if self._server_context else "; server_no_context_takeover"
        return line + ("" if self._client_context else "; client_no_context_takeover")

    def deflate(self, payload: bytes) -> bytes:
        """Compress one message."""
        if not self._server_context:
            self._deflater = self._new_deflater()
        data = self._deflater.compress(payload) + self._deflater.flush(zlib.Z_SYNC_FLUSH)
        return data[: -len(TAIL)]

    def inflate(self, payload: bytes) -> bytes:
        """Decompress one message from the client."""
        if not self._client_context:
            self._inflater = zlib.decompressobj(-15)
        return self._inflater.decompress(payload + TAIL)

    def _new_deflater(self) -> zlib._Compress:
        return zlib.compressobj(1, zlib.DEFLATED, -15, 4)


class Peer:
    """One open connection.

    Attributes:
        choose: the random generator for writing.
        report: what was done and seen.
        ended: set once the client's Close frame or the end of its stream has arrived.
        withholds_pongs: whether Pings are left without an answer.
        reading_stall: in seconds, before the next frame is read.
    """

    def __init__(self, connection: RawConnection, key: str) -> None:
        self.choose = choose = random.Random(f"{key} server")
        # Reading has its own generator, so that each task does the same when the key is played
        # again.
        self._choose_reading = random.Random(f"{key} server reading")
        self.report = Report(key)
        self.ended = asyncio.Event()
        self.withholds_pongs = False
        self.reading_stall = 0.0
        self._connection = connection
        self._compression: Compression | None = None
        self._writing = asyncio.Lock()
        # Set when nothing may follow what was written last.
        self._has_written_all = False
        # Payloads of the Pongs to send, payloads of the Pings that were sent, and the fragments of
        # the message that is arriving.
        self._pongs_due: list[bytes] = []
        self._pings: deque[bytes] = deque()
        self._fragments: list[ClientFrame] = []
        # How it writes and reads: most of the time in one piece and without a rest.
        self._messages_a_write = choose.choice((1, 1, 4, 50))
        self._most_pieces = choose.choice((1, 1, 3, 12))
        self._most_fragments = choose.choice((1, 1, 4))
        self._rest_chance = choose.choice((0.0, 0.02, 0.05))
        # A peer with a narrow socket that does not read for a while stops the client's sends.
        self._is_narrow = choose.random() < 0.4
        self._stall_chance = choose.choice((0.0, 0.05 if self._is_narrow else 0.01))

    # -- the opening -------------------------------------------------------------------

    async def accept(self, upgrade: Upgrade) -> None:
        """Answer the opening handshake in pieces, perhaps with the first messages."""
        writer = self._connection.writer
        # Each write is in the kernel when it returns, so what is counted as sent is on its way.
        writer.transport.set_write_buffer_limits(0)
        if self._is_narrow:
            own: socket.socket = writer.get_extra_info("socket")
            own.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, NARROW_BYTES)
            own.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, NARROW_BYTES)
        headers = []
        if "permessage-deflate" in upgrade.headers.get("sec-websocket-extensions", ""):
            self._compression = Compression(self.choose)
            headers.append(self._compression.header())
        response = accept_response(upgrade, *headers)
        if self.choose.random() < 0.2:
            await self.send_messages(self.choose.randrange(3), before=response)
        else:
            await self._write_pieces(response)

    # -- sending -----------------------------------------------------------------------

    async def stream(self, count: int, seconds: float, longest_rest: float = 0.0) -> None:
        """Send messages until there are enough, or the client has ended its part.

        Args:
            count: how many messages the connection sends in total.
            seconds: the longest time to send; on a busy machine fewer messages are sent.
            longest_rest: the longest rest after each write, in seconds.
        """
        clock = asyncio.get_running_loop().time
        sent, end = self.report.sent, clock() + seconds
        while sent.messages < count and clock() < end and not self.ended.is_set():
            most = min(self.choose.randint(1, self._messages_a_write), count - sent.messages)
            await self.send_messages(most)
            if self.choose.random() < 0.03:
                await self.send(self._ping())
            if self.choose.random() < self._stall_chance:
                await self.rest(0.5)
            await self.rest(longest_rest)

    async def send_messages(self, count: int, before: bytes = b"") -> None:
        """Send the next messages in one write, after the bytes `before`."""
        async with self._writing:
            data = b"".join(self._next_message() for _ in range(count))
            self.report.sent.wire_bytes += len(data)
            await self._write_pieces(before + data)
            self.report.sent.messages += count

    async def rest(self, longest: float) -> None:
        """Do nothing for up to `longest` seconds, or until the client ends."""
        # A write that finds room does not let other tasks run.
        await asyncio.sleep(0)
        if longest:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self.choose.random() * longest):
                    await self.ended.wait()

    async def send(self, data: bytes) -> None:
        """Send frames, and the Pongs that are due."""
        async with self._writing:
            if self._has_written_all:
                return
            await self._write(data)
            # Send only the Pongs due now. On a busy machine, including those that become due
            # meanwhile might never end.
            due, self._pongs_due = self._pongs_due, []
            self.report.sent.pongs += len(due)
            await self._write(b"".join(self._frame(PONG, payload) for payload in due))

    async def send_close(self, code: int, reason: str) -> None:
        """Send a Close frame; echo the client's, if that came first. Nothing may follow it."""
        if self.report.received.close is not None:
            code, reason = self.report.received.close
        async with self._writing:
            self._has_written_all = True
            self.report.sent.close = code, reason
            payload = b"" if code == NO_CODE else close_payload(code, reason)
            await self._write(self._frame(CLOSE, payload))

    async def send_fragment(self) -> None:
        """Send the first fragment of a message that never ends."""
        await self.send(self._frame(BINARY, b"a message without an end", fin=False))

    async def send_part_of_frame(self) -> None:
        """Send a frame without its end. Nothing may follow it."""
        frame = self._frame(BINARY, self.choose.randbytes(self.choose.choice((0, 5, 200, 70_000))))
        async with self._writing:
            self._has_written_all = True
            await self._write(frame[: self.choose.randrange(len(frame))])

    def _next_message(self) -> bytes:
        data = message(from_server(self.report.key), self.report.begun, self.choose)
        self.report.begun += 1
        opcode, payload = (TEXT, data.encode()) if isinstance(data, str) else (BINARY, data)
        reserved = 0
        if self._compression is not None and self.choose.random() < 0.7:
            reserved, payload = RSV1, self._compression.deflate(payload)
        extra = self.choose.randrange(self._most_fragments)
        cuts = sorted(self.choose.randrange(len(payload) + 1) for _ in range(extra))
        frames: list[bytes] = []
        for number, (start, end) in enumerate(itertools.pairwise((0, *cuts, len(payload)))):
            if frames and self.choose.random() < 0.3:
                frames.append(self.choose.choice((self._ping, self._unasked_pong))())
            fragment, fin = payload[start:end], number == extra
            frames.append(self._frame(opcode, fragment, fin=fin, reserved=reserved))
            opcode, reserved = CONTINUATION, 0
        return b"".join(frames)

    def _frame(self, opcode: int, payload: bytes, *, fin: bool = True, reserved: int = 0) -> bytes:
        self.report.sent.frames += 1
        return reference.header(opcode, len(payload), fin=fin, reserved=reserved) + payload

    def _ping(self) -> bytes:
        payload = b"ping %d " % self.report.sent.pings + bytes(self.choose.randrange(100))
        self.report.sent.pings += 1
        self._pings.append(payload)
        return self._frame(PING, payload)

    def _unasked_pong(self) -> bytes:
        self.report.sent.pongs += 1
        return self._frame(PONG, b"nobody asked")

    async def _write(self, data: bytes) -> None:
        self.report.sent.wire_bytes += len(data)
        await self._write_pieces(data)

    async def _write_pieces(self, data: bytes) -> None:
        """Write in pieces cut at random places, with rests between them."""
        count = self.choose.randrange(self._most_pieces)
        cuts = sorted(self.choose.randrange(len(data) + 1) for _ in range(count))
        for start, end in itertools.pairwise((0, *cuts, len(data))):
            await self._connection.write(data[start:end])
            await self.rest(0.005 if self.choose.random() < self._rest_chance else 0.0)

    # -- receiving ---------------------------------------------------------------------

    async def read(self) -> None:
        """Read what the client sends, with stalls, to the end of its stream."""
        try:
            while True:
                if self._choose_reading.random() < self._stall_chance:
                    self.reading_stall = self._choose_reading.random() * 0.5
                if self.reading_stall:
                    await asyncio.sleep(self.reading_stall)
                    self.reading_stall = 0.0
                await self._take(await self._connection.read_frame())
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self.ended.set()

    async def _take(self, frame: ClientFrame) -> None:
        received = self.report.received
        if received.close is not None:
            raise BadClientError(f"a frame after the Close frame: {frame}")
        if frame.key is None:
            raise BadClientError("a frame that is not masked")
        received.frames += 1
        received.wire_bytes += 6 + frame.length_bytes + len(frame.payload)
        if frame.opcode == PING:
            received.pings += 1
            await self._answer(frame.payload)
        elif frame.opcode == PONG:
            received.pongs += 1
            self._take_pong(frame.payload)
        elif frame.opcode == CLOSE:
            code = int.from_bytes(frame.payload[:2], "big") if frame.payload else NO_CODE
            received.close = code, frame.payload[2:].decode()
            self.ended.set()
        else:
            self._fragments.append(frame)
            if frame.fin:
                self._take_message()

    async def _answer(self, payload: bytes) -> None:
        if self.withholds_pongs:
            return
        self._pongs_due.append(payload)
        # If a task is writing now, it sends this Pong next.
        if not self._writing.locked():
            try:
                await self.send(b"")
            except ConnectionError:
                # There may still be something to read.
                self._has_written_all = True

    def _take_pong(self, payload: bytes) -> None:
        """Check that a Pong answers a Ping. Earlier Pings no longer need an answer."""
        while self._pings:
            if self._pings.popleft() == payload:
                return
        raise BadClientError(f"a Pong that answers nothing: {payload[:20]!r}")

    def _take_message(self) -> None:
        frames, self._fragments = self._fragments, []
        opcodes = [frame.opcode for frame in frames]
        if opcodes[0] == CONTINUATION or any(opcodes[1:]):
            raise BadClientError(f"fragments with the opcodes {opcodes}")
        payload = b"".join(frame.payload for frame in frames)
        if frames[0].reserved:
            if frames[0].reserved != RSV1 or self._compression is None:
                raise BadClientError(f"reserved bits {frames[0].reserved:x}")
            payload = self._compression.inflate(payload)
        data = payload.decode() if opcodes[0] == TEXT else payload
        try:
            number = number_of(from_client(self.report.key), data)
        except CorruptMessageError as exc:
            raise BadClientError(str(exc)) from exc
        due = self.report.received.messages
        if number != due:
            raise BadClientError(
                f"{'lost' if number > due else 'doubled'}: {number} in place of {due}"
            )
        self.report.received.messages += 1

    # -- the end -----------------------------------------------------------------------

    async def end_stream(self) -> None:
        """Half-close the connection: send FIN, and go on reading."""
        async with self._writing:
            self._has_written_all = True
            with contextlib.suppress(OSError):
                self._connection.writer.write_eof()

    def reset(self) -> None:
        """Send RST, and drop what has not been sent."""
        with contextlib.suppress(OSError):
            self._connection.reset()
