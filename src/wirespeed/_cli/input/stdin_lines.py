"""Reads lines from standard input of any kind, without blocking the event loop."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import io
import threading
from typing import Final

_READ_BYTES: Final = 64 * 1024


class LineReader:
    """Reads lines from a terminal, a pipe, a file or a device.

    The file is not made non-blocking: on a terminal, that would also affect its output and the
    shell. Nor is it read through a buffer: a thread would hold the buffer's lock when the
    interpreter shuts down.

    Args:
        file: the file to read from.
    """

    def __init__(self, file: io.RawIOBase) -> None:
        self._file = file
        self._rest: list[bytes] = []
        self._is_over = False

    async def read(self) -> list[bytes]:
        r"""Wait for the next lines; return them without their ends ("\n" or "\r\n").

        Returns an empty list at the end of the file. The last line need not have an end.
        Cancelling this can lose lines.

        Raises:
            OSError: the file cannot be read.
        """
        lines: list[bytes] = []
        while not lines and not self._is_over:
            data = await self._read_some()
            if data:
                lines = self._split(data)
            else:
                self._is_over = True
                last = b"".join(self._rest)
                lines = [last] if last else []
        return [line.removesuffix(b"\r") for line in lines]

    def _split(self, data: bytes) -> list[bytes]:
        first, *others = data.split(b"\n")
        self._rest.append(first)
        if not others:
            return []
        *whole, last = [b"".join(self._rest), *others]
        self._rest = [last]
        return whole

    async def _read_some(self) -> bytes:
        loop = asyncio.get_running_loop()
        arrived: asyncio.Future[bytes] = loop.create_future()
        try:
            loop.add_reader(self._file.fileno(), self._read_into, arrived)
        except (OSError, NotImplementedError):
            # Some files cannot be watched: with epoll regular files and /dev/null, on Windows
            # all files. A daemon thread does not keep the process alive.
            threading.Thread(target=self._read_in_thread, args=(arrived,), daemon=True).start()
            return await arrived
        try:
            return await arrived
        finally:
            loop.remove_reader(self._file.fileno())

    def _read_into(self, arrived: asyncio.Future[bytes]) -> None:
        outcome = self._read_now()
        # None: the file is non-blocking, and had no data after all.
        if outcome is not None:
            _settle(arrived, outcome)

    def _read_in_thread(self, arrived: asyncio.Future[bytes]) -> None:
        outcome = self._read_now()
        # RuntimeError: the loop is closed, so no task waits for this any more.
        with contextlib.suppress(RuntimeError):
            arrived.get_loop().call_soon_threadsafe(_settle, arrived, outcome or b"")

    def _read_now(self) -> bytes | OSError | None:
        try:
            return self._file.read(_READ_BYTES)
        except OSError as exc:
            # EIO: the terminal is gone.
            return b"" if exc.errno == errno.EIO else exc


def _settle(arrived: asyncio.Future[bytes], outcome: bytes | OSError) -> None:
    if arrived.done():
        return
    if isinstance(outcome, OSError):
        arrived.set_exception(outcome)
    else:
        arrived.set_result(outcome)
