"""The slow, obvious codec: the oracle for both implementations of the codec.

It takes the opcodes and close codes from `_base.rfc6455`, and the error texts from `exceptions`.
It shares nothing else with the codecs under test, and works one byte and one rule at a time.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from wirespeed import exceptions
from wirespeed._base.rfc6455 import (
    OPCODE_BINARY,
    OPCODE_CLOSE,
    OPCODE_CONTINUATION,
    OPCODE_PING,
    OPCODE_PONG,
    OPCODE_TEXT,
    is_sendable_close_code,
)

DATA_OPCODES: Final = (OPCODE_CONTINUATION, OPCODE_TEXT, OPCODE_BINARY)
CONTROL_OPCODES: Final = (OPCODE_CLOSE, OPCODE_PING, OPCODE_PONG)

# RFC 3629 section 4: what may follow a first byte. Each pair is the range of one more byte.
TAIL: Final = (0x80, 0xBF)
UTF8_TAILS: Final[list[tuple[range, tuple[tuple[int, int], ...]]]] = [
    (range(0x80), ()),
    (range(0xC2, 0xE0), (TAIL,)),
    (range(0xE0, 0xE1), ((0xA0, 0xBF), TAIL)),
    (range(0xE1, 0xED), (TAIL, TAIL)),
    (range(0xED, 0xEE), ((0x80, 0x9F), TAIL)),
    (range(0xEE, 0xF0), (TAIL, TAIL)),
    (range(0xF0, 0xF1), ((0x90, 0xBF), TAIL, TAIL)),
    (range(0xF1, 0xF4), (TAIL, TAIL, TAIL)),
    (range(0xF4, 0xF5), ((0x80, 0x8F), TAIL, TAIL)),
]
TAILS_AFTER: Final = {first: tails for firsts, tails in UTF8_TAILS for first in firsts}


def check_utf8(data: Iterable[int]) -> str:
    """Return "valid", "unfinished" (`data` ends inside a character) or "invalid"."""
    expected: list[tuple[int, int]] = []
    for byte in data:
        if expected:
            low, high = expected.pop(0)
            if not low <= byte <= high:
                return "invalid"
        elif byte in TAILS_AFTER:
            expected = list(TAILS_AFTER[byte])
        else:
            return "invalid"
    return "unfinished" if expected else "valid"


def apply_mask(data: bytes, key: bytes, offset: int = 0) -> bytes:
    """XOR byte i of the payload with byte i modulo 4 of the key (RFC 6455 section 5.3)."""
    return bytes(byte ^ key[(offset + i) % 4] for i, byte in enumerate(data))


def header(
    opcode: int,
    length: int,
    *,
    fin: bool = True,
    reserved: int = 0,
    masked: bool = False,
    length_bytes: int | None = None,
) -> bytes:
    """Build a header up to its masking key. `length_bytes` (0, 2, 8) forces a length form."""
    if length_bytes is None:
        length_bytes = 0 if length <= 125 else 2 if length <= 65535 else 8
    first = (0x80 if fin else 0) | reserved | opcode
    second = 0x80 if masked else 0
    if length_bytes == 0:
        return bytes([first, second | length])
    return bytes([first, second | {2: 126, 8: 127}[length_bytes]]) + length.to_bytes(
        length_bytes, "big"
    )


def frame(opcode: int, payload: bytes, *, fin: bool = True, key: bytes | None = None) -> bytes:
    """Build a frame; mask it if there is a key."""
    if key is None:
        return header(opcode, len(payload), fin=fin) + payload
    return header(opcode, len(payload), fin=fin, masked=True) + key + apply_mask(payload, key)


@dataclass
class Outcome:
    """What a stream contains.

    Attributes:
        messages: the whole messages, in order.
        controls: opcode and payload of each Ping and Pong, in order.
        close: code and reason of the Close frame.
        error: type, close code and text of the error that ended the stream.
    """

    messages: list[str | bytes] = field(default_factory=list)
    controls: list[tuple[int, bytes]] = field(default_factory=list)
    close: tuple[int, str] | None = None
    error: tuple[str, int, str] | None = None

    def fail(self, fault: exceptions.ProtocolError) -> None:
        """Record the error."""
        self.error = (type(fault).__name__, int(fault.close_code), str(fault))


def parse(data: bytes, *, masked: bool = False, max_message_size: int | None = None) -> Outcome:
    """Parse a stream as far as it goes; it may end anywhere.

    Errors are found as early as the available bytes can show them.
    """
    outcome = Outcome()
    try:
        _Reader(data, masked, max_message_size, outcome).run()
    except exceptions.ProtocolError as fault:
        outcome.fail(fault)
    return outcome


class _EndOfDataError(Exception):
    """The stream ends here. What is unfinished is no error yet."""


class _Reader:
    """One pass over one stream."""

    def __init__(
        self, data: bytes, masked: bool, max_message_size: int | None, outcome: Outcome
    ) -> None:
        self.data = data
        self.masked = masked
        self.max_message_size = max_message_size
        self.outcome = outcome
        self.message_opcode: int | None = None
        self.message = b""

    def run(self) -> None:
        try:
            while self.outcome.close is None:
                self.read_frame()
        except _EndOfDataError:
            return

    def take(self, size: int) -> bytes:
        if len(self.data) < size:
            raise _EndOfDataError
        taken, self.data = self.data[:size], self.data[size:]
        return taken

    def read_frame(self) -> None:
        first, second = self.take(2)
        fin, reserved, opcode = first // 128, first % 128 // 16 * 16, first % 16
        self.check_start(fin, reserved, opcode, second // 128)
        length = self.read_length(second % 128)
        if opcode in CONTROL_OPCODES:
            if length > 125:
                raise exceptions.control_payload_too_long(length)
        elif self.max_message_size is not None:
            total = len(self.message) + length
            if total > self.max_message_size:
                raise exceptions.message_too_big(total, self.max_message_size)
        key = self.take(4) if self.masked else bytes(4)
        payload = apply_mask(self.data[:length], key)
        self.data = self.data[length:]
        if opcode in CONTROL_OPCODES:
            self.control_frame(opcode, payload, complete=len(payload) == length)
        else:
            self.data_frame(fin, opcode, payload, complete=len(payload) == length)

    def check_start(self, fin: int, reserved: int, opcode: int, masked: int) -> None:
        if reserved:
            raise exceptions.reserved_bits_set(reserved)
        if opcode not in DATA_OPCODES and opcode not in CONTROL_OPCODES:
            raise exceptions.unknown_opcode(opcode)
        if masked and not self.masked:
            raise exceptions.masked_frame()
        if self.masked and not masked:
            raise exceptions.unmasked_frame()
        if opcode in CONTROL_OPCODES and not fin:
            raise exceptions.fragmented_control_frame()
        if opcode == OPCODE_CONTINUATION and self.message_opcode is None:
            raise exceptions.unexpected_continuation()
        if opcode in (OPCODE_TEXT, OPCODE_BINARY) and self.message_opcode is not None:
            raise exceptions.expected_continuation(opcode)

    def read_length(self, short: int) -> int:
        if short < 126:
            return short
        size = 2 if short == 126 else 8
        length = 0
        for byte in self.take(size):
            length = length * 256 + byte
        if length >= 2**63:
            raise exceptions.length_too_large(length)
        if length < (126 if size == 2 else 65536):
            raise exceptions.length_not_minimal(length, size)
        return length

    def control_frame(self, opcode: int, payload: bytes, *, complete: bool) -> None:
        if not complete:
            raise _EndOfDataError
        if opcode == OPCODE_CLOSE:
            self.outcome.close = parse_close(payload)
        else:
            self.outcome.controls.append((opcode, payload))

    def data_frame(self, fin: int, opcode: int, payload: bytes, *, complete: bool) -> None:
        if opcode != OPCODE_CONTINUATION:
            self.message_opcode = opcode
        self.message += payload
        ends = complete and fin
        if self.message_opcode == OPCODE_TEXT:
            state = check_utf8(self.message)
            if state == "invalid" or (ends and state == "unfinished"):
                raise exceptions.invalid_text()
        if not complete:
            raise _EndOfDataError
        if not ends:
            return
        is_text = self.message_opcode == OPCODE_TEXT
        self.outcome.messages.append(self.message.decode() if is_text else self.message)
        self.message_opcode = None
        self.message = b""


def parse_close(payload: bytes) -> tuple[int, str]:
    """Parse the payload of a Close frame (RFC 6455 section 5.5.1)."""
    if payload == b"":
        return (1005, "")
    if len(payload) == 1:
        raise exceptions.truncated_close_code()
    code = payload[0] * 256 + payload[1]
    if not is_sendable_close_code(code):
        raise exceptions.invalid_close_code(code)
    if check_utf8(payload[2:]) != "valid":
        raise exceptions.invalid_close_reason()
    return (code, payload[2:].decode())
