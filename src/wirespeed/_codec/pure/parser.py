"""The parser in plain Python: bytes of frames in, messages out (RFC 6455 section 5).

Does no I/O.
"""

from __future__ import annotations

from codecs import utf_8_decode
from operator import index
from typing import TYPE_CHECKING, Any, Final

from ... import exceptions
from ..._base.rfc6455 import (
    DEFAULT_MAX_MESSAGE_BYTES,
    FIN_BIT,
    LENGTH_BITS,
    LENGTH_IS_16_BIT,
    LENGTH_IS_64_BIT,
    MASK_BIT,
    MAX_CONTROL_PAYLOAD_BYTES,
    OPCODE_BITS,
    OPCODE_CLOSE,
    OPCODE_CONTINUATION,
    OPCODE_PING,
    OPCODE_PONG,
    OPCODE_TEXT,
    RSV1_BIT,
    Control,
    Fragment,
    check_max_message_size,
    undecoded,
)
from ..inflate import LEAST_STEP_BYTES, SLICE_BYTES, wire_limit
from .parser_checks import check_encoding, check_opcode, check_order, parse_close
from .parser_fast_path import take_long_messages, take_short_messages
from .text_and_mask import MASKING_KEY_BYTES, Utf8Validator, flat_view, mask, valid_bytes

if TYPE_CHECKING:
    from typing_extensions import Buffer

    from ..inflate import Inflater

LENGTH_BYTES: Final = {LENGTH_IS_16_BIT: 2, LENGTH_IS_64_BIT: 8}
MAX_HEADER_BYTES: Final = 14
# More than the size of any message that can arrive. Used in comparisons, never reported.
NO_LIMIT: Final = 1 << 64
# A payload length has 63 bits (RFC 6455 section 5.2).
MAX_PAYLOAD_BYTES: Final = (1 << 63) - 1


class MessageParser:
    """Bytes of frames in, whole messages out (RFC 6455 sections 5 and 8.1).

    Attributes:
        controls: opcode and payload of each Ping and Pong, oldest first.
        close: close code and close reason of the peer's Close frame once it has arrived.
        queues_controls: whether each Ping and Pong is added to the messages as a `Control`. Pings
            are then not in `controls`.
        queues_fragments: whether each frame of a fragmented message is added to the messages, as a
            `Fragment`.
        frame_limit: the largest payload of one frame of a message.
        slice_frames: how many frames one `feed` may take.
        slice_bytes: how many inflated bytes make one `feed` stop.
        unparsed: how many bytes `feed` left over; -1 if it took all.
        message_opcode: the opcode of the unfinished message; that of a continuation (0) between
            messages.
        chunks: the list for the chunks of the unfinished message, `None` if it is returned whole.
    """

    __slots__ = (
        "_compressed",
        "_control",
        "_decode_text",
        "_done",
        "_fin",
        "_header",
        "_in_frame",
        "_inflater",
        "_key",
        "_last_frame",
        "_length",
        "_limit",
        "_masked",
        "_message",
        "_missing",
        "_opcode",
        "_passed",
        "_room",
        "_short_limit",
        "_step",
        "_tail_is_given",
        "_text",
        "_wire_bytes",
        "chunks",
        "close",
        "controls",
        "frame_limit",
        "frames",
        "message_opcode",
        "payload_bytes",
        "pings",
        "pongs",
        "queues_controls",
        "queues_fragments",
        "slice_bytes",
        "slice_frames",
        "unparsed",
    )

    def __init__(
        self,
        *,
        max_message_size: int | None = DEFAULT_MAX_MESSAGE_BYTES,
        masked: bool = False,
        decode_text: bool = True,
    ) -> None:
        """Make a parser; see `contract.MessageParser`."""
        limit = check_max_message_size(max_message_size)
        self.controls: list[tuple[int, bytes]] = []
        self.close: tuple[int, str] | None = None
        self.queues_controls = False
        self.queues_fragments = False
        self.frame_limit = MAX_PAYLOAD_BYTES
        self._limit = NO_LIMIT if limit is None else limit
        self._short_limit = min(self._limit, LENGTH_IS_16_BIT - 1)
        self._masked = bool(masked)
        self._decode_text = bool(decode_text)
        self._done = False
        # The part of an unfinished header that has arrived.
        self._header = b""
        # The current frame, once its header is complete.
        self._in_frame = False
        self._opcode = OPCODE_CONTINUATION
        self._fin = True
        self._length = 0
        self._missing = 0
        self.frames = self.payload_bytes = self.pings = self.pongs = 0
        self._key = b""
        self._control = bytearray()
        # The unfinished message.
        self.message_opcode = OPCODE_CONTINUATION
        self.chunks: list[Any] | None = None
        self._message = bytearray()
        # The bytes of it that were queued as fragments.
        self._passed = 0
        self._text: Utf8Validator | None = None
        # `None` without compression; then whether the unfinished message is compressed.
        self._inflater: Inflater | None = None
        self._compressed = False
        self._wire_bytes = 0
        # The size of the last inflated step if there may be more.
        self._step: int | None = None
        self._tail_is_given = False
        # The limits of one `feed`, and what is left of them.
        self.slice_frames = self.slice_bytes = self._last_frame = self._room = NO_LIMIT
        self.unparsed = -1

    def accept_compressed(self, inflater: Inflater) -> None:
        """Accept compressed messages from now on; before, RSV1 is an error (RFC 7692 section 6)."""
        self._inflater = inflater

    @property
    def limited(self) -> bool:
        """Whether there is a `max_message_size`."""
        return self._limit != NO_LIMIT

    @property
    def filled(self) -> int:
        """Count the bytes of the unfinished message that the parser holds."""
        return len(self._message)

    def stream(self, chunks: list[Any]) -> None:
        """Return one message in chunks: the unfinished one, or else the next."""
        self.chunks = chunks
        self._give_chunk()

    def take_back(self, given: list[str | bytes]) -> bool:
        """Undo `stream`: return the message whole. Return `False` if it is over the limit."""
        data = b"".join(chunk.encode() if isinstance(chunk, str) else chunk for chunk in given)
        total = len(data) + len(self._message)
        if self._in_frame and self._opcode < OPCODE_CLOSE and not self._compressed:
            total += self._missing
        if total > self._limit:
            return False
        self.chunks = None
        self._message[:0] = data
        return True

    def feed(self, data: Buffer, messages: list[str | bytes], size: int = -1) -> None:
        """Parse the first `size` bytes of `data`; see `contract.MessageParser.feed`."""
        if not isinstance(messages, list):
            raise TypeError(f"messages must be a list, not {type(messages).__name__}")
        with flat_view(data, "data must be bytes-like") as view:
            end = len(view)
            if size != -1:
                size = index(size)
                if not 0 <= size <= end:
                    raise ValueError(f"size is {size} bytes, data holds {end}")
                end = size
            self._last_frame = self.frames + self.slice_frames
            self._room = self.slice_bytes
            self.unparsed = -1
            try:
                if self._decode_text:
                    self._parse(view, end, messages)
                else:
                    self._parse_undecoded(view, end, messages)
                if self.chunks is not None:
                    self._give_chunk()
            except BaseException:
                # Also after a `MemoryError`: a parser that lost its position must not continue.
                self._stop_at_fault()
                raise

    def get_buffer(self) -> memoryview | None:
        """Return `None`: plain Python gains nothing by reading in place."""
        return None

    def buffer_updated(self, size: int, messages: list[str | bytes]) -> None:
        """Raise `RuntimeError`: `get_buffer` never returns memory to read into."""
        raise RuntimeError("no buffer is out")

    def _parse_undecoded(self, view: memoryview, end: int, messages: list[Any]) -> None:
        decoded: list[str | bytes] = []
        try:
            self._parse(view, end, decoded)
        finally:
            # In plain Python, decoding is the fastest check for UTF-8.
            messages.extend(map(undecoded, decoded))

    def _parse(self, view: memoryview, end: int, messages: list[str | bytes]) -> None:
        position = 0
        while (position < end or self._step is not None) and not self._done:
            if self._room <= 0 or self.frames >= self._last_frame:
                self.unparsed = end - position
                return
            if self._step is not None and self._inflater is not None:
                self._take_steps(self._inflater, self._inflater.more(self._step))
            else:
                if not self._in_frame:
                    if not (
                        self._header
                        or self.message_opcode
                        or self._masked
                        or self.chunks is not None
                    ):
                        position = self._take_ready_messages(view, position, end, messages)
                        if position == end or self.frames >= self._last_frame:
                            continue
                    position = self._take_header(view, position, end)
                    if not self._in_frame:
                        return
                stop = min(end, position + self._missing)
                if self._compressed:
                    stop = min(stop, position + SLICE_BYTES)
                with view[position:stop] as piece:
                    self._take_payload(piece)
                position = stop
            if not self._missing and self._step is None:
                self._end_frame(messages)

    def _take_ready_messages(
        self, view: memoryview, position: int, end: int, messages: list[str | bytes]
    ) -> int:
        """Take and count the messages that are complete in `view`; return their end position."""
        known = len(messages)
        start = position
        length_bytes = 0
        limit = min(self._short_limit, self.frame_limit)
        most = known + self._last_frame - self.frames
        position = take_short_messages(view, position, end, limit, messages, most=most)
        if position < end:
            limit = min(self._limit, self.frame_limit)
            position, length_bytes = take_long_messages(
                view, position, end, limit, messages, most=most
            )
        count = len(messages) - known
        self.frames += count
        self.payload_bytes += position - start - 2 * count - length_bytes
        return position

    def _take_header(self, view: memoryview, position: int, end: int) -> int:
        """Take the bytes of a header, and begin its frame once the header is complete."""
        known = len(self._header)
        header = self._header + view[position : min(end, position + MAX_HEADER_BYTES)]
        header_bytes = self._begin_frame(header)
        if header_bytes == 0:
            self._header = header
            return end
        self._header = b""
        return position + header_bytes - known

    def _begin_frame(self, header: bytes) -> int:
        """Check the part of a header that has arrived; return its size, 0 while incomplete."""
        if len(header) < 2:
            return 0
        first, second = header[0], header[1]
        opcode = first & OPCODE_BITS
        self._check_start(first, opcode, masked=second >= MASK_BIT)
        length = second & LENGTH_BITS
        length_bytes = LENGTH_BYTES.get(length, 0)
        key_start = 2 + length_bytes
        if len(header) < key_start:
            return 0
        if length_bytes:
            length = int.from_bytes(header[2:key_start], "big")
        self._check_length(first, length, length_bytes)
        end = key_start + (MASKING_KEY_BYTES if self._masked else 0)
        if len(header) < end:
            return 0
        self._in_frame = True
        self._opcode = opcode
        self._fin = first >= FIN_BIT
        self._length = self._missing = length
        self._key = header[key_start:end]
        if OPCODE_CONTINUATION < opcode < OPCODE_CLOSE:
            self.message_opcode = opcode
            self._text = Utf8Validator() if opcode == OPCODE_TEXT else None
            if first & RSV1_BIT and self._inflater is not None:
                self._compressed = True
                self._wire_bytes = 0
                self._inflater.begin()
        elif not opcode and self._compressed and self._inflater is not None:
            self._inflater.next_frame()
        if self._compressed and opcode < OPCODE_CLOSE:
            self._wire_bytes += length
        return end

    def _check_start(self, first: int, opcode: int, *, masked: bool) -> None:
        """Refuse faults that the first two bytes of a header show."""
        check_opcode(first, opcode, may_compress=self._inflater is not None)
        if masked != self._masked:
            raise exceptions.masked_frame() if masked else exceptions.unmasked_frame()
        check_order(first, opcode, self.message_opcode)

    def _check_length(self, first: int, length: int, length_bytes: int) -> None:
        """Refuse a faulty payload length before any payload is read."""
        check_encoding(length, length_bytes)
        if first & OPCODE_BITS >= OPCODE_CLOSE:
            if length > MAX_CONTROL_PAYLOAD_BYTES:
                raise exceptions.control_payload_too_long(length)
            return
        if length > self.frame_limit:
            raise exceptions.frame_too_big(length, self.frame_limit)
        if self._compressed or first & RSV1_BIT:
            wire_bytes = self._wire_bytes + length if self._compressed else length
            if self.chunks is None and wire_bytes > wire_limit(self._limit):
                raise exceptions.compressed_message_too_big(
                    wire_bytes, wire_limit(self._limit), self._limit
                )
            return
        message_bytes = self._passed + len(self._message) + length
        if message_bytes > self._limit and self.chunks is None:
            raise exceptions.message_too_big(message_bytes, self._limit)

    def _take_payload(self, piece: memoryview | bytes) -> None:
        """Add the next payload bytes of the current frame."""
        size = len(piece)
        self._missing -= size
        if self._masked:
            piece = mask(piece, self._key)
            turn = size % MASKING_KEY_BYTES
            self._key = self._key[turn:] + self._key[:turn]
        if self._opcode >= OPCODE_CLOSE:
            self._control += piece
            return
        if self._compressed and self._inflater is not None:
            if size:
                self._take_steps(self._inflater, self._inflater.inflate(piece))
            return
        self._add(piece)

    def _take_steps(self, inflater: Inflater, step: bytes | None) -> None:
        """Add the inflated data to the message, up to the limit, while there is room."""
        self._step = None
        while step is not None:
            self._room -= max(len(step), LEAST_STEP_BYTES)
            room = len(step)
            if self.chunks is None:
                room = self._limit - self._passed - len(self._message)
            self._add(step[:room])
            if len(step) > room:
                raise exceptions.message_too_big(self._limit + 1, self._limit)
            if self._room <= 0:
                self._step = len(step)
                return
            step = inflater.more(len(step))

    def _add(self, piece: memoryview | bytes) -> None:
        self._message += piece
        if self._text is not None and not self._text.feed(piece):
            raise exceptions.invalid_text()

    def _end_frame(self, messages: list[Any]) -> None:
        if self._compressed and self._fin and self._opcode < OPCODE_CLOSE:
            self._end_inflated()
            if self._step is not None:
                return
        self._in_frame = False
        if self._opcode >= OPCODE_CLOSE:
            payload = bytes(self._control)
            self._control = bytearray()
            if self._opcode == OPCODE_CLOSE:
                self.close = parse_close(payload)
                self._give_chunk()
                self._stop()
            else:
                if self.queues_controls:
                    messages.append(Control(self._opcode, payload))
                if not self.queues_controls or self._opcode == OPCODE_PONG:
                    self.controls.append((self._opcode, payload))
                if self._opcode == OPCODE_PING:
                    self.pings += 1
                else:
                    self.pongs += 1
        elif self._fin:
            self._end_message(messages)
        elif self.queues_fragments:
            self._queue_fragment(messages)
        self.frames += 1
        self.payload_bytes += self._length

    def _end_inflated(self) -> None:
        """End the compressed part of a message, unless there is no room for the rest of it."""
        if self._inflater is None:
            return
        if not self._tail_is_given:
            self._tail_is_given = True
            self._take_steps(self._inflater, self._inflater.end())
            if self._step is not None:
                return
        self._inflater.check_end()
        self._compressed = self._tail_is_given = False

    def _end_message(self, messages: list[Any]) -> None:
        text = self._text
        if text is not None and not text.complete:
            raise exceptions.invalid_text()
        if self.queues_fragments and self._opcode == OPCODE_CONTINUATION:
            self._queue_fragment(messages)
            self._passed = 0
            self.message_opcode = OPCODE_CONTINUATION
            self._text = None
            return
        self._give_chunk()
        payload = self._message
        self._message = bytearray()
        self.message_opcode = OPCODE_CONTINUATION
        self._text = None
        message = bytes(payload) if text is None else str(payload, "utf-8")
        if self.chunks is None:
            messages.append(message)
        else:
            # This is the empty chunk that follows the last one.
            self.chunks.append(message if self._decode_text else undecoded(message))
            self.chunks = None

    def _queue_fragment(self, messages: list[Any]) -> None:
        payload = bytes(self._message)
        self._message = bytearray()
        self._passed += len(payload)
        messages.append(Fragment(payload, self._text is not None, self._fin))

    def _give_chunk(self) -> None:
        """Append the data of the message as a chunk, without a cut character at its end."""
        if self.chunks is None or not self._message:
            return
        payload, size = self._message, len(self._message)
        chunk: Any = payload
        if self._text is None:
            chunk = bytes(payload)
        else:
            chunk, size = utf_8_decode(payload, "strict", False)
        if size:
            rest = payload[size:]
            self.chunks.append(chunk if self._decode_text else undecoded(chunk))
            self._message = rest

    def _stop_at_fault(self) -> None:
        """Append the valid data before a fault as a chunk, then ignore everything."""
        if self._text is not None:
            self._message = self._message[: valid_bytes(self._message)]
        self._give_chunk()
        self._stop()

    def _stop(self) -> None:
        """Ignore everything from now on, and free the memory."""
        self._done = True
        self._step = None
        self.unparsed = -1
        self._inflater = None
        self.message_opcode = OPCODE_CONTINUATION
        self.chunks = None
        self._header = b""
        self._control = bytearray()
        self._message = bytearray()
