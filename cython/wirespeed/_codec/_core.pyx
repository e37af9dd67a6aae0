"""The compiled parser, and the names of the whole compiled codec. Glue around the C kernels.

The twin of the parser is `wirespeed._codec.pure.parser`. Both implement
`wirespeed._codec.contract`.
"""

from cpython.buffer cimport PyBUF_SIMPLE, PyBUF_WRITE, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_FromStringAndSize
from cpython.memoryview cimport PyMemoryView_FromMemory
from cpython.ref cimport PyObject, Py_XDECREF
from libc.stdint cimport uint8_t, uint64_t
from libc.string cimport memcpy

from wirespeed._codec._core_bytes cimport as_bytes_like

from wirespeed import exceptions as errors
from wirespeed._codec._core_builder import FrameBuilder
from wirespeed._codec._core_bytes import Utf8Validator, apply_mask, total_length
from wirespeed._codec._core_socket import open_timer, receive_into, send_some, set_timer
from wirespeed._codec._core_wake import call_in_context, is_held, stop_with, use_send_slot
from wirespeed._base.rfc6455 import (
    DEFAULT_MAX_MESSAGE_BYTES,
    Binary,
    Control,
    Fragment,
    check_max_message_size,
    is_sendable_close_code,
)

__all__ = [
    "FrameBuilder",
    "MessageParser",
    "Utf8Validator",
    "apply_mask",
    "call_in_context",
    "is_held",
    "open_timer",
    "receive_into",
    "send_some",
    "set_timer",
    "stop_with",
    "total_length",
    "use_send_slot",
]


cdef extern from "kernels/cpu.h":
    void ws_cpu_init()

cdef extern from "kernels/mask.h":
    void ws_mask(
        uint8_t *dst, const uint8_t *src, size_t n, const uint8_t *key, size_t offset
    ) nogil

cdef extern from "kernels/utf8.h":
    void ws_utf8_init(ws_utf8 *u) nogil
    int ws_utf8_feed(ws_utf8 *u, const uint8_t *src, size_t n) nogil
    int ws_utf8_complete(const ws_utf8 *u) nogil

cdef extern from "kernels/header.h":
    int ws_read_header(ws_header *h, const uint8_t *src, size_t n) nogil

cdef extern from "Python.h":
    PyObject *PyBytes_New "PyBytes_FromStringAndSize" (const char *, Py_ssize_t)
    int _PyBytes_Resize(PyObject **, Py_ssize_t) except -1
    char *bytes_memory "PyBytes_AS_STRING" (PyObject *)
    Py_ssize_t bytes_size "PyBytes_GET_SIZE" (PyObject *)

cdef extern from *:
    """
    /* Turns a new reference into an object without counting it again. */
    static inline PyObject *ws_steal(PyObject *object) { return object; }
    """
    object ws_steal(PyObject *)


cdef enum:
    FIN = 0x80
    RESERVED = 0x70
    OPCODE = 0x0F
    MASK = 0x80
    CONTROL = 0x08
    CONTINUATION = 0x0
    TEXT = 0x1
    BINARY = 0x2
    CLOSE = 0x8
    PING = 0x9
    PONG = 0xA
    MAX_CONTROL = 125
    # From this size on, the rest of a frame is received directly into the message.
    DIRECT_BYTES = 64 * 1024
    # How much more memory is reserved than the received bytes need.
    MIN_STEP_BYTES = 512
    MAX_STEP_BYTES = 4 * 1024 * 1024

ws_cpu_init()

include "_core_text.pxi"
include "_core_inflate.pxi"
include "_core_checks.pxi"
include "_core_stream.pxi"


cdef class MessageParser:
    """Bytes of frames in, whole messages out; see `contract.MessageParser`."""

    def __cinit__(self):
        self.assembly = NULL

    def __init__(
        self,
        *,
        max_message_size=DEFAULT_MAX_MESSAGE_BYTES,
        bint masked=False,
        bint decode_text=True,
    ):
        limit = check_max_message_size(max_message_size)
        self.controls = []
        self.close = None
        self.queues_controls = self.queues_fragments = False
        self.frame_limit = 2**63 - 1
        self.frames = self.payload_bytes = self.pings = self.pongs = 0
        self.masked = masked
        self.decodes = decode_text
        self.limited = limit is not None
        self.limit = 0 if limit is None else min(limit, 2**63 - 1)
        self.finished = False
        self.inflater = self.decompressor = self.decompress = None
        self.compressed = self.tail_given = False
        self.step = self.unparsed = -1
        self.slice_frames = 2**63 - 1
        self.slice_bytes = 2**63 - 1
        self.in_frame = False
        self.chunks = None
        self.header_size = self.control_size = self.filled = self.lent = self.given = 0
        self.message_opcode = self.passed = 0
        ws_utf8_init(&self.utf8)
        self.drop_assembly()

    def __dealloc__(self):
        Py_XDECREF(self.assembly)

    cpdef object feed(self, object data, list messages, Py_ssize_t size=-1):
        """Parse the first `size` bytes of `data`; see `contract.MessageParser.feed`."""
        cdef Py_buffer view
        if messages is None:
            raise TypeError("messages must be a list, not None")
        if type(data) is not bytearray and type(data) is not bytes:
            data = as_bytes_like(data, "data must be bytes-like,")
        PyObject_GetBuffer(data, &view, PyBUF_SIMPLE)
        try:
            if size < -1 or size > view.len:
                raise ValueError(f"size is {size} bytes, data holds {view.len}")
            if size == -1:
                size = view.len
            self.parse_or_finish(<const uint8_t *>view.buf, size, messages)
        finally:
            PyBuffer_Release(&view)

    cpdef object accept_compressed(self, object inflater):
        """Accept compressed messages too; see `contract.MessageParser`."""
        self.inflater = inflater
        self.wire_limit = inflate.wire_limit(self.limit)

    cpdef object stream(self, list chunks):
        """Return one message in chunks; see `contract.MessageParser.stream`."""
        self.chunks = chunks
        if self.message_opcode:
            give_chunk(self)

    cpdef bint take_back(self, list given) except -1:
        """Undo `stream`; see `contract.MessageParser.take_back`."""
        return take_back(self, given)

    cpdef object get_buffer(self):
        """Return memory for the rest of a large frame; see `contract.MessageParser`."""
        cdef Py_ssize_t room
        if (
            not self.in_frame
            or self.missing < DIRECT_BYTES
            or self.masked
            or self.compressed
            or self.finished
            or self.chunks is not None
        ):
            return None
        try:
            self.reserve(DIRECT_BYTES)
        except BaseException:
            self.stop()
            raise
        room = bytes_size(self.assembly) - self.filled
        if <uint64_t>room > self.missing:
            room = <Py_ssize_t>self.missing
        self.lent = room
        return PyMemoryView_FromMemory(
            bytes_memory(self.assembly) + self.filled, room, PyBUF_WRITE
        )

    cpdef object buffer_updated(self, Py_ssize_t size, list messages):
        """Parse bytes read into the memory of `get_buffer`; see `contract.MessageParser`."""
        cdef uint8_t *arrived
        if messages is None:
            raise TypeError("messages must be a list, not None")
        if self.finished:
            return
        if self.lent == 0 or size < 0 or size > self.lent:
            raise RuntimeError("no buffer is out, or it is smaller than what was read")
        self.lent = 0
        try:
            arrived = <uint8_t *>bytes_memory(self.assembly) + self.filled
            self.filled += size
            if self.message_opcode == TEXT and not ws_utf8_feed(&self.utf8, arrived, size):
                raise errors.invalid_text()
            self.missing -= size
            if self.missing == 0:
                self.end_frame(messages)
            if self.chunks is not None:
                give_chunk(self)
        except BaseException:
            stop_at_fault(self)
            raise

    cdef int parse_or_finish(
        self, const uint8_t *data, Py_ssize_t size, list messages
    ) except -1:
        """Parse; after any error the position is lost, so nothing is parsed any more."""
        self.lent = 0
        self.last_frame = self.frames + self.slice_frames
        self.room = self.slice_bytes
        self.unparsed = -1
        try:
            self.parse(data, data + size, messages)
            if self.chunks is not None:
                give_chunk(self)
        except BaseException:
            stop_at_fault(self)
            raise
        return 0

    cdef int parse(self, const uint8_t *data, const uint8_t *end, list messages) except -1:
        cdef ws_header header
        while (data != end or self.step >= 0) and not self.finished:
            if self.room <= 0 or self.frames >= self.last_frame:
                self.unparsed = end - data
                return 0
            if self.step >= 0:
                inflate_more(self, messages)
                continue
            if not self.in_frame:
                if self.header_size == 0 and self.chunks is None:
                    data = self.take_whole_messages(data, end, messages)
                    if data == end or self.in_frame or self.room <= 0:
                        continue
                    if self.frames >= self.last_frame:
                        continue
                if data[0] & CONTROL and self.header_size == 0 and not self.masked:
                    data = take_whole_controls(self, data, end)
                    if data == end or self.frames >= self.last_frame:
                        continue
                if (
                    self.header_size == 0
                    and ws_read_header(&header, data, end - data)
                    and self.is_ordinary(&header)
                ):
                    data += header.header_bytes
                else:
                    data = take_header(self, data, end, &header)
                    if self.header_size:
                        return 0
                self.begin_frame(&header)
            data = self.take_payload(data, end, messages)
        return 0

    cdef const uint8_t *take_whole_messages(
        self, const uint8_t *data, const uint8_t *end, list messages
    ) except NULL:
        """Take the ordinary messages that have arrived in full, and count them together.

        Counting each one separately takes 5 % of the time of a short message.
        """
        cdef ws_header header
        cdef const uint8_t *start = data
        cdef Py_ssize_t known = len(messages)
        # The bytes of the headers beyond the 2 of the shortest.
        cdef Py_ssize_t length_bytes = 0
        cdef uint64_t left = self.last_frame - self.frames
        cdef object message
        # The bytes of a frame that is not inflated to its end.
        cdef Py_ssize_t unfinished = 0
        try:
            while (
                data != end
                and left
                and ws_read_header(&header, data, end - data)
                and self.is_ordinary(&header)
                and header.length <= <uint64_t>(end - data - header.header_bytes)
            ):
                if header.first & RSV1:
                    message = inflate_whole(
                        self, header.first, data + header.header_bytes, header.length
                    )
                    if message is None:
                        unfinished = header.header_bytes + header.length
                        break
                    messages.append(message)
                    if self.room <= 0:
                        left = 1
                else:
                    messages.append(
                        self.whole_message(
                            header.first, data + header.header_bytes, header.length
                        )
                    )
                left -= 1
                data += header.header_bytes + header.length
                if header.header_bytes != 2:
                    length_bytes += header.header_bytes - 2
        finally:
            known = len(messages) - known
            self.frames += known
            self.payload_bytes += data - start - 2 * known - length_bytes
        return data + unfinished

    cdef object whole_message(self, int first, const uint8_t *data, Py_ssize_t size):
        if first == FIN | TEXT:
            return decode_text(data, size) if self.decodes else check_text(data, size)
        return self.binary(PyBytes_FromStringAndSize(<const char *>data, size))

    cdef object binary(self, object data):
        return data if self.decodes else Binary(data)

    cdef bint is_ordinary(self, const ws_header *header) noexcept:
        """Return whether this is the header of a valid message in one frame."""
        if header.first != FIN | TEXT and header.first != FIN | BINARY:
            if self.decompress is None or not 0 < header.length <= COPIED_BYTES:
                return False
            if header.first != FIN | RSV1 | TEXT and header.first != FIN | RSV1 | BINARY:
                return False
        if self.message_opcode or self.masked or header.second & MASK:
            return False
        if (self.limited and header.length > self.limit) or header.length > self.frame_limit:
            return False
        if header.length_bytes == 1:
            return True
        if header.length_bytes == 2:
            return header.length > MAX_CONTROL
        return 65535 < header.length <= 0x7FFFFFFFFFFFFFFF

    cdef int begin_frame(self, const ws_header *header) except -1:
        self.in_frame = True
        self.opcode = header.first & OPCODE
        self.fin = header.first & FIN
        self.length = self.missing = header.length
        self.key_offset = 0
        if self.opcode & CONTROL:
            self.control_size = 0
        elif self.opcode != CONTINUATION:
            self.message_opcode = self.opcode
            self.filled = 0
            ws_utf8_init(&self.utf8)
            if header.first & RSV1:
                self.compressed = True
                self.wire_bytes = 0
                self.inflater.begin()
        elif self.compressed:
            self.inflater.next_frame()
        if self.compressed and not self.opcode & CONTROL:
            self.wire_bytes += header.length
        return 0

    cdef const uint8_t *take_payload(
        self, const uint8_t *data, const uint8_t *end, list messages
    ) except NULL:
        """Take the frame's payload that has arrived, and end the frame with its last byte."""
        cdef Py_ssize_t size = end - data
        if <uint64_t>size > self.missing:
            size = <Py_ssize_t>self.missing
        if not self.opcode & CONTROL:
            if self.compressed:
                size = min(size, SLICE_BYTES)
                if size:
                    inflate_piece(self, data, size)
            else:
                self.store(data, size)
        elif self.masked:
            ws_mask(self.control + self.control_size, data, size, self.key, self.key_offset)
            self.control_size += size
        else:
            memcpy(self.control + self.control_size, data, size)
            self.control_size += size
        self.key_offset += size
        self.missing -= size
        if self.missing == 0 and self.step < 0:
            self.end_frame(messages)
        return data + size

    cdef int store(self, const uint8_t *data, Py_ssize_t size) except -1:
        """Add payload to the message under assembly, checking text as it arrives."""
        cdef uint8_t *target
        if size == 0:
            return 0
        self.reserve(size)
        target = <uint8_t *>bytes_memory(self.assembly) + self.filled
        if self.masked:
            ws_mask(target, data, size, self.key, self.key_offset)
        else:
            memcpy(target, data, size)
        self.filled += size
        if self.message_opcode == TEXT and not ws_utf8_feed(&self.utf8, target, size):
            raise errors.invalid_text()
        return 0

    cdef int reserve(self, Py_ssize_t size) except -1:
        """Make room for `size` more bytes, plus at most a bounded step.

        The length in a header can only make the step smaller.
        """
        cdef Py_ssize_t capacity = 0
        cdef Py_ssize_t step
        cdef uint64_t wanted
        cdef uint64_t claimed = <uint64_t>self.filled + self.missing
        if self.assembly != NULL:
            capacity = bytes_size(self.assembly)
        if self.compressed:
            claimed = <uint64_t>-1
        if self.filled + size <= capacity or claimed <= <uint64_t>capacity:
            return 0
        step = min(max(self.filled + size, <Py_ssize_t>MIN_STEP_BYTES), <Py_ssize_t>MAX_STEP_BYTES)
        wanted = self.filled + size + step
        if self.fin:
            wanted = min(wanted, claimed)
        if self.limited:
            wanted = min(wanted, max(self.limit, <uint64_t>(self.filled + size)))
        if self.assembly == NULL:
            self.assembly = PyBytes_New(NULL, <Py_ssize_t>wanted)
            if self.assembly == NULL:
                raise MemoryError
        else:
            resize_assembly(self, <Py_ssize_t>wanted)
        return 0

    cdef int end_frame(self, list messages) except -1:
        if self.compressed and self.fin and not self.opcode & CONTROL:
            if not self.tail_given:
                self.tail_given = True
                take_steps(self, self.inflater.end())
                if self.step >= 0:
                    return 0
            end_inflated(self)
        self.in_frame = False
        if self.opcode & CONTROL:
            end_control(self, messages)
        elif self.fin:
            finish_message(self, messages)
        elif self.queues_fragments:
            queue_fragment(self, messages)
        self.frames += 1
        self.payload_bytes += self.length
        return 0

    cdef object end_message(self):
        """Turn the assembled payload into the message; binary data is not copied again."""
        cdef object message
        cdef bint text = self.message_opcode == TEXT
        if text and not ws_utf8_complete(&self.utf8):
            raise errors.invalid_text()
        if self.chunks is not None:
            give_chunk(self)
        self.message_opcode = 0
        if self.assembly == NULL:
            if text and self.decodes:
                return ""
            return b"" if text else self.binary(b"")
        if text and self.decodes:
            message = decode_measured(
                &self.utf8.text, <uint8_t *>bytes_memory(self.assembly), self.filled
            )
            self.drop_assembly()
        else:
            message = take_assembly(self)
            if not text:
                message = self.binary(message)
        self.filled = 0
        return message

    cdef void drop_assembly(self) noexcept:
        cdef PyObject *assembly = self.assembly
        self.assembly = NULL
        self.filled = self.given = 0
        Py_XDECREF(assembly)

    cdef void stop(self) noexcept:
        """Ignore everything from now on, and free the memory."""
        self.finished = True
        self.inflater = self.decompressor = self.decompress = self.chunks = None
        self.message_opcode = 0
        self.step = self.unparsed = -1
        self.drop_assembly()
