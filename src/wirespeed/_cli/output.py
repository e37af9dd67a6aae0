"""Where the messages of a session go: standard output, a recording, or both."""

from __future__ import annotations

from collections.abc import Sequence

from .._base.close_info import CloseInfo
from .._base.rfc6455 import CloseCode
from ..testing._recording import Recorder, Sender
from .console import complain, discard_output
from .printer import Printer


class Output:
    """Prints and records messages, up to a number of them.

    Args:
        printer: prints what arrives; `None` prints nothing.
        recorder: records both directions; `None` records nothing.
        count: how many messages to take; `None` for all.

    Attributes:
        received: how many messages were taken.
        has_failed: whether something could not be written.
        reader_is_gone: whether nobody reads standard output any more.
    """

    def __init__(
        self,
        printer: Printer | None,
        recorder: Recorder | None = None,
        *,
        count: int | None = None,
    ) -> None:
        self._printer = printer
        self._recorder = recorder
        self._count = count
        self.received = 0
        self.has_failed = False
        self.reader_is_gone = False

    @property
    def is_full(self) -> bool:
        """Whether all messages that were asked for have arrived."""
        return self._count is not None and self.received >= self._count

    @property
    def lack(self) -> str:
        """How many messages are missing, in words; empty if none is."""
        if self._count is None or self.is_full:
            return ""
        return f"only {self.received} of {self._count} messages arrived"

    def take(self, messages: Sequence[str | bytes]) -> bool:
        """Take messages that have arrived; return whether more can be taken."""
        if self._count is not None:
            messages = messages[: self._count - self.received]
        self.received += len(messages)
        return self.record("server", *messages) and self._print(messages) and not self.is_full

    def _print(self, messages: Sequence[str | bytes]) -> bool:
        if self._printer is None:
            return True
        try:
            self._printer.print(messages)
        except OSError as exc:
            if not isinstance(exc, BrokenPipeError):
                self._fail(f"cannot write to standard output: {exc.strerror}")
            self.reader_is_gone = True
            discard_output()
            return False
        return True

    def record(self, sender: Sender, *messages: str | bytes) -> bool:
        """Record messages; return whether the file could be written."""
        try:
            if self._recorder is not None:
                self._recorder.add(sender, *messages)
        except OSError as exc:
            self._fail(f"cannot write the recording: {exc.strerror}")
            return False
        return True

    def end(self, info: CloseInfo | None) -> None:
        """Record how the connection ended."""
        if self._recorder is None or info is None:
            return
        sender: Sender = "client" if info.closed_by == "local" else "server"
        frame = info.sent if sender == "client" else info.received
        code, reason = (int(CloseCode.ABNORMAL_CLOSURE), "") if frame is None else frame
        try:
            self._recorder.end(sender, code, reason)
        except OSError as exc:
            self._fail(f"cannot write the recording: {exc.strerror}")

    def _fail(self, text: str) -> None:
        self.has_failed = True
        complain(text)
