"""What a program saw and raised, line by line, without anything that differs from run to run.

Imports nothing but the standard library: it runs beside the packages under test.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

# The faults that `faults.FAULTS` has, in its order, as titles of parts.
FAULT_TITLES: Final = (
    "closed with 1000",
    "closed with 1011",
    "closed with 4001",
    "reset",
    "refused with 401",
    "refused with 503",
)

# These differ between runs that behave the same.
PORT: Final = re.compile(r"((?:127\.0\.0\.1|localhost)(?::|', ))\d+")
ADDRESS: Final = re.compile(r"(?<= at )0x[0-9a-f]{6,}")
UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Transcript:
    """The lines of one run.

    Args:
        path: the file that gets each line as soon as it is known, so that a program that hangs or
            crashes still shows how far it came.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        path.write_text("", encoding="utf-8")

    def say(self, *parts: object) -> None:
        """Add a line."""
        with self._path.open("a", encoding="utf-8") as file:
            print(*map(self._steady, parts), file=file)

    @staticmethod
    def _steady(part: object) -> str:
        text = PORT.sub(r"\1PORT", str(part))
        return UUID.sub("UUID", ADDRESS.sub("ADDRESS", text)).replace("\n", "\\n")

    @contextlib.contextmanager
    def part(self, title: object) -> Iterator[None]:
        """Add a title, and the exception that the block raises, if it does."""
        self.say(f"[{title}]")
        try:
            yield
        except Exception as exc:
            self.say("raised", described(exc))

    @contextlib.contextmanager
    def collecting(self, what: str) -> Iterator[list[object]]:
        """Yield a list, and at the end add a line with its length, its last item and a digest."""
        seen: list[object] = []
        try:
            yield seen
        finally:
            texts = [self._steady(item) for item in seen]
            digest = hashlib.sha256("\n".join(texts).encode()).hexdigest()[:8]
            self.say(f"{len(seen)} {what} ({digest}), the last: {texts[-1] if texts else None}")

    @contextlib.contextmanager
    def log_of(self, name: str, level: int = logging.WARNING) -> Iterator[None]:
        """Add what a logger says within the block.

        This is for packages that report errors only there.
        """
        logger = logging.getLogger(name)
        handler = _Lines(self)
        handler.setLevel(level)
        logger.addHandler(handler)
        try:
            yield
        finally:
            logger.removeHandler(handler)


class _Lines(logging.Handler):
    def __init__(self, transcript: Transcript) -> None:
        super().__init__()
        self._transcript = transcript

    def emit(self, record: logging.LogRecord) -> None:
        self._transcript.say("logged", record.levelname, record.getMessage())


def described(exc: BaseException | None) -> str:
    """Return the type and text of an exception and of those that caused it.

    A class of a face that extends one of the original counts as the latter: it is what the program
    catches. Wirespeed's own errors, which a face names as causes, are left out.
    """
    texts: list[str] = []
    while exc is not None:
        if texts and type(exc).__module__ == "wirespeed.exceptions":
            exc = exc.__cause__
            continue
        kind = next(c for c in type(exc).__mro__ if not c.__module__.startswith("wirespeed"))
        texts.append(f"{kind.__module__}.{kind.__qualname__}: {exc}")
        exc = exc.__cause__
    return " | caused by ".join(texts)
