"""Loops over bytes in plain Python: UTF-8 in pieces, masking, views of any buffer.

Its compiled twin is `wirespeed._codec._core_bytes`, which uses kernels in C.
"""

from __future__ import annotations

from codecs import utf_8_decode
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from typing_extensions import Buffer

MASKING_KEY_BYTES: Final = 4
# Up to this size an XOR of two big integers masks faster. At 8 KiB it takes 4 ns a byte, the
# tables 2.5 ns.
BIG_INTEGER_BYTES: Final = 1024

# Bound once, so that the calls need no attribute lookup.
from_bytes: Final = int.from_bytes
_EVERY_BYTE: Final = from_bytes(bytes(range(256)))
# For each byte of a key, the XOR with every byte, as a table for `bytes.translate`.
_TABLES: Final = [
    (_EVERY_BYTE ^ from_bytes(bytes([key]) * 256)).to_bytes(256) for key in range(256)
]


def flat_view(data: Buffer, refusal: str) -> memoryview:
    """Return a view of `data` as bytes, for items of any type; the caller releases the view.

    Contiguous bytes are viewed in place, all other data is copied.

    Raises:
        TypeError: `data` is not bytes-like; the text begins with `refusal`.
    """
    if type(data) is bytearray or type(data) is bytes:
        return memoryview(data)
    try:
        view = memoryview(data)
    except TypeError:
        raise TypeError(f"{refusal}, not {type(data).__name__}") from None
    if view.format == "B" and view.ndim == 1 and view.c_contiguous:
        return view
    with view:
        return memoryview(view.tobytes())


def text_or_none(payload: Buffer) -> str | None:
    """Decode a whole text; return `None` if it is not UTF-8.

    No exception is raised, because a `UnicodeDecodeError` contains the payload.
    """
    try:
        return str(payload, "utf-8")
    except UnicodeDecodeError:
        return None


def valid_bytes(data: Buffer) -> int:
    """Count the bytes of the whole characters before the first invalid one."""
    try:
        return utf_8_decode(data, "strict", False)[1]
    except UnicodeDecodeError as error:
        return error.start


class Utf8Validator:
    """Check UTF-8 that arrives in pieces, failing at the first bad byte (RFC 3629)."""

    __slots__ = ("_partial", "_valid")

    def __init__(self) -> None:
        self._valid = True
        self._partial = b""

    def feed(self, data: Buffer) -> bool:
        """Check the next bytes; return `False` from the first byte that cannot be UTF-8 on.

        Raises:
            TypeError: `data` is not bytes-like.
        """
        with flat_view(data, "data must be bytes-like") as view:
            if self._valid:
                self._check(self._partial + view if self._partial else view)
        return self._valid

    @property
    def complete(self) -> bool:
        """Whether all bytes so far are valid and end at the end of a character."""
        return self._valid and not self._partial

    def _check(self, data: bytes | memoryview) -> None:
        try:
            decoded_bytes = utf_8_decode(data, "strict", False)[1]
        except UnicodeDecodeError:
            self._refuse()
            return
        self._partial = bytes(data[decoded_bytes:])
        # The decoder fails at the first byte that makes a character impossible, with one exception:
        # it waits for the third byte of a surrogate, although no third byte makes it valid.
        if self._partial[:1] == b"\xed" and self._partial[1:] >= b"\xa0":
            self._refuse()

    def _refuse(self) -> None:
        self._valid = False
        self._partial = b""


def mask(data: bytes | memoryview, key: bytes) -> bytes:
    """XOR `data` with the repeated 4-byte `key`, without checks."""
    size = len(data)
    if size <= BIG_INTEGER_BYTES:
        repeated = (key * (size // MASKING_KEY_BYTES + 1))[:size]
        return (from_bytes(data) ^ from_bytes(repeated)).to_bytes(size)
    plain = bytes(data)
    masked = bytearray(size)
    for turn, key_byte in enumerate(key):
        masked[turn::MASKING_KEY_BYTES] = plain[turn::MASKING_KEY_BYTES].translate(
            _TABLES[key_byte]
        )
    return bytes(masked)


def apply_mask(data: Buffer, key: Buffer, offset: int = 0) -> bytes:
    """XOR with the masking key (RFC 6455 section 5.3); masking and unmasking are the same.

    Args:
        data: bytes of a payload.
        key: the masking key, 4 bytes.
        offset: the position of `data` in the payload, in bytes.

    Raises:
        TypeError: `data` or `key` is not bytes-like.
        ValueError: the key is not 4 bytes long, or `offset` is negative.
    """
    with (
        flat_view(data, "data must be bytes-like") as view,
        flat_view(key, "masking key must be bytes-like") as key_view,
    ):
        if len(key_view) != MASKING_KEY_BYTES:
            raise ValueError(f"masking key must be 4 bytes, not {len(key_view)}")
        if offset < 0:
            raise ValueError("offset must not be negative")
        turn = offset % MASKING_KEY_BYTES
        return mask(view, bytes(key_view[turn:]) + key_view[:turn])


def total_length(messages: list[Any], start: int) -> int:
    """Return the sum of the lengths of `messages[start:]`."""
    return sum(map(len, messages[start:]))
