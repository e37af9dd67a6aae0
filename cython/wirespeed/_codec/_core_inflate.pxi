"""Compressed messages (RFC 7692): the glue between the parser and the inflater.

Included by `_core.pyx`. A small message in one frame needs a single call from here. All other
messages go through `wirespeed._codec.inflate.Inflater`, which the pure parser uses too.
"""

from cpython.buffer cimport PyBUF_READ
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from libc.stdint cimport uint8_t
from libc.string cimport memcpy

from wirespeed import exceptions as errors
from wirespeed._codec import inflate


cdef enum:
    RSV1 = 0x40
    # Up to this size a payload is copied together with its tail: cheaper than a second call.
    COPIED_BYTES = 8 * 1024

cdef Py_ssize_t STEP_BYTES = inflate.STEP_BYTES
cdef Py_ssize_t SLICE_BYTES = inflate.SLICE_BYTES
cdef object STEP = inflate.STEP_BYTES
cdef bytes TAIL = inflate.TAIL


cdef int check_reserved(object inflater, int first) except -1:
    """Refuse reserved bits, except for RSV1 on the first frame of a compressed message."""
    if inflater is None:
        raise errors.reserved_bits_set(first & RESERVED)
    if first & RESERVED & ~RSV1:
        raise errors.reserved_bits_set(first & RESERVED & ~RSV1)
    if first & CONTROL:
        raise errors.compressed_control_frame()
    if first & OPCODE == CONTINUATION:
        raise errors.compressed_continuation()
    return 0


cdef object inflate_whole(
    MessageParser parser, int first, const uint8_t *data, Py_ssize_t size
):
    """Inflate a message that has arrived in one frame, and return it."""
    cdef bytes step
    cdef bytes payload = PyBytes_FromStringAndSize(NULL, size + 4)
    cdef char *memory = PyBytes_AS_STRING(payload)
    memcpy(memory, data, size)
    memcpy(memory + size, PyBytes_AS_STRING(TAIL), 4)
    try:
        step = parser.decompress(payload, STEP)
    except Exception as error:
        fault = parser.inflater.fault(error)
    else:
        fault = None
    if fault is not None:
        raise fault
    size = PyBytes_GET_SIZE(step)
    if (
        size == STEP_BYTES
        or parser.limited and <uint64_t>size > parser.limit
        or parser.decompressor.eof
    ):
        return inflate_on(parser, first, step, PyBytes_GET_SIZE(payload))
    if first & OPCODE == BINARY:
        return parser.binary(step)
    if parser.decodes:
        return decode_text(<const uint8_t *>PyBytes_AS_STRING(step), size)
    check_utf8(<const uint8_t *>PyBytes_AS_STRING(step), size)
    return step


cdef object inflate_on(MessageParser parser, int first, bytes step, Py_ssize_t size):
    """Finish a message whose first step is not the whole message, or is over the limit."""
    parser.message_opcode = first & OPCODE
    parser.compressed = True
    parser.filled = 0
    ws_utf8_init(&parser.utf8)
    parser.inflater.begin_whole(step, size)
    take_steps(parser, step)
    end_inflated(parser)
    return parser.end_message()


cdef int inflate_piece(MessageParser parser, const uint8_t *data, Py_ssize_t size) except -1:
    """Inflate the next bytes of a compressed payload into the message under assembly."""
    cdef Py_ssize_t start
    for start in range(0, size, SLICE_BYTES):
        inflate_slice(parser, data + start, min(size - start, SLICE_BYTES), start)
    return 0


cdef int inflate_slice(
    MessageParser parser, const uint8_t *data, Py_ssize_t size, Py_ssize_t start
) except -1:
    cdef object piece
    cdef uint8_t *memory
    if parser.masked:
        piece = PyBytes_FromStringAndSize(NULL, size)
        memory = <uint8_t *>PyBytes_AS_STRING(piece)
        ws_mask(memory, data, size, parser.key, parser.key_offset + start)
        return take_steps(parser, parser.inflater.inflate(piece))
    piece = PyMemoryView_FromMemory(<char *>data, size, PyBUF_READ)
    try:
        step = parser.inflater.inflate(piece)
    finally:
        # The traceback of an error may keep the view longer than the memory is valid.
        piece.release()
    return take_steps(parser, step)


cdef int take_steps(MessageParser parser, object step) except -1:
    """Add the inflated data to the message, up to the limit, checking text as it arrives."""
    cdef Py_ssize_t size, room
    cdef const uint8_t *data
    while step is not None:
        size = room = PyBytes_GET_SIZE(step)
        if is_over_limit(parser, <uint64_t>parser.passed + parser.filled + size):
            room = <Py_ssize_t>parser.limit - parser.passed - parser.filled
        if room:
            data = <const uint8_t *>PyBytes_AS_STRING(step)
            parser.reserve(room)
            memcpy(bytes_memory(parser.assembly) + parser.filled, data, room)
            parser.filled += room
            if parser.message_opcode == TEXT and not ws_utf8_feed(&parser.utf8, data, room):
                raise errors.invalid_text()
        if room < size:
            raise errors.message_too_big(parser.limit + 1, parser.limit)
        step = parser.inflater.more(step)
    return 0


cdef int end_inflated(MessageParser parser) except -1:
    """End the compressed part of a message, and prepare for the next one."""
    parser.inflater.check_end()
    parser.compressed = False
    quick = parser.inflater.quick()
    parser.decompressor, parser.decompress = (None, None) if quick is None else quick
    return 0
