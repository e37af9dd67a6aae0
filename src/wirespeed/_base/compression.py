"""The settings of permessage-deflate (RFC 7692 section 7). Public name: `Deflate`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from .arguments import check_bool

NO_CONTEXT: Final = ("server_no_context_takeover", "client_no_context_takeover")
MAX_BITS: Final = ("server_max_window_bits", "client_max_window_bits")
LARGEST_WINDOW_BITS: Final = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class Deflate:
    """The parameters of permessage-deflate, as offered or as agreed on (RFC 7692 section 7).

    Attributes:
        server_max_window_bits: the largest window that the server may use, as a power of 2: 8
            to 15; `None` leaves it to the server. A smaller window takes less of our memory.
        client_max_window_bits: the same for the messages we send. The server may ask for less.
        server_no_context_takeover: whether the server must compress each message separately.
            Inflating then takes no memory between messages, and messages become larger.
        client_no_context_takeover: the same for the messages we send. The server may ask for it
            too.
        level: the compression level, 0 (no compression) to 9; -1 for the backend's default.
        mem_level: how much memory compression uses, 1 to 9.
        threshold: messages of fewer bytes (characters, for text) are sent uncompressed.
    """

    server_max_window_bits: int | None = None
    client_max_window_bits: int | None = None
    server_no_context_takeover: bool = False
    client_no_context_takeover: bool = False
    level: int = -1
    mem_level: int = 8
    threshold: int = 128

    def __post_init__(self) -> None:
        """Check the fields.

        Raises:
            TypeError: a field has the wrong type.
            ValueError: a field is out of range.
        """
        for name in MAX_BITS:
            if getattr(self, name) is not None:
                _check_int(name, getattr(self, name), 8, LARGEST_WINDOW_BITS)
        for name in NO_CONTEXT:
            check_bool(name, getattr(self, name))
        _check_int("level", self.level, -1, 9)
        _check_int("mem_level", self.mem_level, 1, 9)
        _check_int("threshold", self.threshold, 0, None)


def _check_int(name: str, value: object, least: int, most: int | None) -> None:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} must be int, not {type(value).__name__}")
    if value < least or (most is not None and value > most):
        allowed = f"{least} or more" if most is None else f"{least} to {most}"
        raise ValueError(f"{name} must be {allowed}, not {value}")
