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
cdef Py_ssize_t LEAST_STEP_BYTES = inflate.LEAST_STEP_BYTES
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
    parser.room -= size
    if (
        size == STEP_BYTES
        or parser.limited and <uint64_t>size > parser.limit
        or parser.decompressor.eof
    ):
        # Taken again together with the steps that follow.
        parser.room += size
        return inflate_on(parser, first, step, PyBytes_GET_SIZE(payload) - 4)
    if first & OPCODE == BINARY:
        return parser.binary(step)
    if parser.decodes:
        return decode_text(<const uint8_t *>PyBytes_AS_STRING(step), size)
    check_utf8(<const uint8_t *>PyBytes_AS_STRING(step), size)
    return step


cdef object inflate_on(MessageParser parser, int first, bytes step, Py_ssize_t size):
    """Begin the frame of a message whose first step is not all of it, or is over the limit.

    Returns:
        `None`: there is more to inflate before the frame ends.
    """
    parser.inflater.begin_whole(step, size + 4)
    parser.in_frame = parser.compressed = parser.tail_given = True
    parser.fin = FIN
    parser.opcode = parser.message_opcode = first & OPCODE
    parser.length = parser.wire_bytes = size
    parser.missing = 0
    parser.filled = 0
    ws_utf8_init(&parser.utf8)
    take_step(parser, step)
    parser.step = PyBytes_GET_SIZE(step)
    return None


cdef int inflate_piece(MessageParser parser, const uint8_t *data, Py_ssize_t size) except -1:
    """Inflate the next bytes of a compressed payload into the message under assembly."""
    cdef object piece
    cdef uint8_t *memory
    if parser.masked:
        piece = PyBytes_FromStringAndSize(NULL, size)
        memory = <uint8_t *>PyBytes_AS_STRING(piece)
        ws_mask(memory, data, size, parser.key, parser.key_offset)
        return take_steps(parser, parser.inflater.inflate(piece))
    piece = PyMemoryView_FromMemory(<char *>data, size, PyBUF_READ)
    try:
        step = parser.inflater.inflate(piece)
    finally:
        # The traceback of an error may keep the view longer than the memory is valid.
        piece.release()
    return take_steps(parser, step)


cdef int take_steps(MessageParser parser, object step) except -1:
    """Add the inflated data to the message while there is room.

    If the room is used up, `step` keeps what `more` needs to go on.
    """
    parser.step = -1
    while step is not None:
        take_step(parser, step)
        if parser.room <= 0:
            parser.step = PyBytes_GET_SIZE(step)
            return 0
        step = parser.inflater.more(PyBytes_GET_SIZE(step))
    return 0


cdef int take_step(MessageParser parser, bytes step) except -1:
    """Add inflated data to the message, up to the limit, checking text as it arrives."""
    cdef Py_ssize_t size = PyBytes_GET_SIZE(step)
    cdef Py_ssize_t room = size
    cdef const uint8_t *data
    parser.room -= max(size, LEAST_STEP_BYTES)
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
    return 0


cdef int inflate_more(MessageParser parser, list messages) except -1:
    """Go on where `take_steps` stopped; end the frame if that was all of it."""
    take_steps(parser, parser.inflater.more(parser.step))
    if parser.step < 0 and parser.missing == 0:
        parser.end_frame(messages)
    return 0


cdef int end_inflated(MessageParser parser) except -1:
    """End the compressed part of a message, and prepare for the next one."""
    parser.inflater.check_end()
    parser.compressed = parser.tail_given = False
    quick = parser.inflater.quick()
    parser.decompressor, parser.decompress = (None, None) if quick is None else quick
    return 0
