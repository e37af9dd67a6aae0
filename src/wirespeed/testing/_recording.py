"""Recordings of connections: the file, and the script that serves one. Public name: `replay`.

docs/testing.md describes the format: a line of JSON for the connection, and one for each message.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
import math
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Literal

from .._base.arguments import check_bool
from .._base.rfc6455 import is_sendable_close_code
from ._connection import ServerConnection
from ._server import Script

__all__ = ["Close", "Entry", "Recorder", "read_recording", "replay"]

_VERSION: Final = 1
_NO_CODE: Final = 1005
_ABNORMAL: Final = 1006

Sender = Literal["server", "client"]


@dataclass(frozen=True, slots=True)
class Close:
    """The end of a connection: 1005 for a Close frame without a code, 1006 without a frame."""

    code: int
    reason: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a recording.

    Attributes:
        seconds: when it was sent or received, in seconds since the connection was open.
        sender: who sent it.
        content: the message, or how the sender ended the connection.
    """

    seconds: float
    sender: Sender
    content: str | bytes | Close


class Recorder:
    """Writes a recording to a new file, which only its owner may read.

    Args:
        path: the file.

    Raises:
        OSError: the file exists, or cannot be made.
    """

    def __init__(self, path: Path) -> None:
        # Messages may contain tokens.
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        self._file = os.fdopen(descriptor, "w", encoding="utf-8", newline="\n")
        self._path = path
        self._has_begun = False
        self._began = 0.0
        self.messages = 0

    def begin(self, url: str, subprotocol: str | None) -> None:
        """Write the first line; times count from now.

        Args:
            url: the server, without secrets.
            subprotocol: the subprotocol in use.
        """
        self._has_begun = True
        self._began = time.monotonic()
        opened = datetime.now(UTC).isoformat(timespec="milliseconds")
        self._write(wirespeed=_VERSION, url=url, subprotocol=subprotocol, opened=opened)
        self._file.flush()

    def add(self, sender: Sender, *messages: str | bytes) -> None:
        """Write messages that were sent or received now.

        Raises:
            OSError: the file cannot be written.
        """
        seconds = self._seconds()
        for message in messages:
            if isinstance(message, str):
                self._write(t=seconds, sender=sender, text=message)
            else:
                encoded = base64.b64encode(message).decode()
                self._write(t=seconds, sender=sender, binary=encoded)
            self.messages += 1
        self._file.flush()

    def end(self, sender: Sender, code: int, reason: str) -> None:
        """Write how the connection ended.

        Raises:
            OSError: the file cannot be written.
        """
        self._write(t=self._seconds(), sender=sender, close=code, reason=reason)
        self._file.flush()

    def close(self) -> None:
        """Close the file; delete it if nothing was recorded."""
        self._file.close()
        if not self._has_begun:
            self._path.unlink()

    def _seconds(self) -> float:
        return round(time.monotonic() - self._began, 6)

    def _write(self, **fields: object) -> None:
        self._file.write(json.dumps(fields, ensure_ascii=False, separators=(",", ":")) + "\n")


def read_recording(path: str | os.PathLike[str]) -> Iterator[Entry]:
    """Read a recording line by line.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is no recording, or a line of it is damaged; the text names the line.
    """
    with open(path, encoding="utf-8") as file:
        number = 0
        try:
            for number, line in enumerate(file, start=1):
                fields = json.loads(line)
                if not isinstance(fields, dict):
                    raise ValueError("it is no JSON object")
                if number == 1:
                    _check_head(fields)
                else:
                    yield _entry(fields)
        except ValueError as exc:
            raise ValueError(f"{os.fspath(path)}, line {number}: {exc}") from exc
        if not number:
            raise ValueError(f"{os.fspath(path)}: it is no recording, it is empty")


def _check_head(fields: dict[str, Any]) -> None:
    version = fields.get("wirespeed")
    if version != _VERSION:
        raise ValueError(f'it is no recording: "wirespeed" must be {_VERSION}, not {version!r}')


def _entry(fields: dict[str, Any]) -> Entry:
    seconds, sender = fields.get("t"), fields.get("sender")
    if (
        isinstance(seconds, bool)
        or not isinstance(seconds, int | float)
        or not 0 <= seconds < math.inf
    ):
        raise ValueError(f'"t" must be a number of seconds, not {seconds!r}')
    if sender not in ("server", "client"):
        raise ValueError(f'"sender" must be "server" or "client", not {sender!r}')
    return Entry(float(seconds), sender, _content(fields))


def _content(fields: dict[str, Any]) -> str | bytes | Close:
    match fields:
        case {"text": str(text)}:
            text.encode()  # A lone surrogate cannot be sent.
            return text
        case {"binary": str(encoded)}:
            try:
                return base64.b64decode(encoded, validate=True)
            except binascii.Error as exc:
                raise ValueError(f'"binary" must be base64: {exc}') from exc
        case {"close": int(code), "reason": str(reason)}:
            if code not in (_NO_CODE, _ABNORMAL) and not is_sendable_close_code(code):
                raise ValueError(f'"close" must be a close code, not {code}')
            return Close(code, reason)
        case _:
            raise ValueError('it must have "text", "binary", or "close" and "reason"')


def replay(path: str | os.PathLike[str], *, speed: float = 1.0, waits: bool = True) -> Script:
    """Return a script that serves a recording made by `wirespeed record`.

    Each connection gets the messages of the server from the beginning, and the end that the
    recorded connection had. It is no failure if the client leaves earlier.

    Args:
        path: the file. It is checked now, and read again for each connection.
        speed: how many times as fast as recorded; `math.inf` for no pauses.
        waits: whether a recorded message of the client holds the replay up until this client has
            sent one too, whatever is in it. Times then count from that message.

    Raises:
        OSError: the file cannot be read.
        TypeError: an argument has the wrong type.
        ValueError: the file is no recording, or `speed` is not over 0.
    """
    if isinstance(speed, bool) or not isinstance(speed, int | float):
        raise TypeError(f"speed must be a number, not {type(speed).__name__}")
    if not speed > 0:
        raise ValueError(f"speed must be over 0, not {speed}")
    check_bool("waits", waits)
    for _ in read_recording(path):
        pass

    async def script(client: ServerConnection) -> None:
        await _Replay(client, speed, waits).play(read_recording(path))

    return script


class _Replay:
    """One connection that is served a recording."""

    def __init__(self, client: ServerConnection, speed: float, waits: bool) -> None:
        self._client = client
        self._speed = speed
        self._waits = waits
        self._now = asyncio.get_running_loop().time
        self._began = self._now()

    async def play(self, entries: Iterator[Entry]) -> None:
        for entry in entries:
            if entry.sender == "client":
                if not await self._wait_for_client(entry):
                    return
                continue
            delay = self._began + entry.seconds / self._speed - self._now()
            if delay > 0:
                await self._client.sleep(delay)
            if isinstance(entry.content, Close):
                await self._end(entry.content)
                return
            await self._client.send(entry.content)

    async def _wait_for_client(self, entry: Entry) -> bool:
        """Wait until the client does what it did in the recording; return whether to go on."""
        if not self._waits:
            return not isinstance(entry.content, Close)
        async for _ in self._client:
            if not isinstance(entry.content, Close):
                self._began = self._now() - entry.seconds / self._speed
                return True
        return False

    async def _end(self, close: Close) -> None:
        if close.code == _ABNORMAL:
            self._client.drop()
        elif close.code == _NO_CODE:
            await self._client.close(None)
        else:
            await self._client.close(close.code, close.reason)
