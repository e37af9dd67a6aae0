"""The end of a message, and messages in parts: in frames, or in the chunks that reads bring.

Included by `_core.pyx`.
"""

from libc.stdint cimport uint8_t
from libc.string cimport memcpy

from wirespeed import exceptions as errors


cdef int give_chunk(MessageParser parser) except -1:
    """Append the data of the message as a chunk, without a cut character at its end."""
    cdef Py_ssize_t size = parser.filled - parser.given
    cdef Py_ssize_t cut = 0
    cdef uint8_t rest[4]
    cdef const uint8_t *data
    if size == 0:
        return 0
    data = <const uint8_t *>bytes_memory(parser.assembly) + parser.given
    if parser.message_opcode == TEXT:
        cut = cut_character(parser, data, size)
        if cut == size:
            return 0
        parser.chunks.append(text_chunk(parser, data, size - cut))
    elif parser.lent or parser.given:
        parser.chunks.append(
            parser.binary(PyBytes_FromStringAndSize(<const char *>data, size))
        )
    else:
        parser.chunks.append(parser.binary(take_assembly(parser)))
    if parser.lent:
        # A caller may be reading into this memory, so it must not move.
        parser.given = parser.filled - cut
        return 0
    if cut:
        memcpy(rest, data + size - cut, cut)
    parser.drop_assembly()
    if cut:
        parser.assembly = PyBytes_New(NULL, MIN_STEP_BYTES)
        if parser.assembly == NULL:
            raise MemoryError
        memcpy(bytes_memory(parser.assembly), rest, cut)
        parser.filled = cut
    return 0


cdef Py_ssize_t cut_character(MessageParser parser, const uint8_t *data, Py_ssize_t size) noexcept:
    """Count the bytes of an incomplete character at the end of valid text, 0 if there is none."""
    cdef Py_ssize_t cut = 0
    if ws_utf8_complete(&parser.utf8):
        return 0
    while cut < size:
        cut += 1
        if data[size - cut] >= 0xC0:
            break
    return cut


cdef object text_chunk(MessageParser parser, const uint8_t *data, Py_ssize_t size):
    if parser.decodes:
        return decode_text(data, size)
    return PyBytes_FromStringAndSize(<const char *>data, size)


cdef object take_assembly(MessageParser parser):
    """Return the assembled data as `bytes`, without a copy."""
    cdef object taken
    if bytes_size(parser.assembly) != parser.filled:
        resize_assembly(parser, parser.filled)
    taken = ws_steal(parser.assembly)
    parser.assembly = NULL
    parser.filled = 0
    return taken


cdef int resize_assembly(MessageParser parser, Py_ssize_t size) except -1:
    """Change the size of the assembly's memory. If that fails, the assembly is gone."""
    try:
        _PyBytes_Resize(&parser.assembly, size)
    except MemoryError:
        # The assembly is NULL by now.
        parser.drop_assembly()
        raise
    return 0


cdef int finish_message(MessageParser parser, list messages) except -1:
    """Return the message whose last frame has ended."""
    cdef object message
    if parser.queues_fragments and parser.opcode == CONTINUATION:
        if parser.message_opcode == TEXT and not ws_utf8_complete(&parser.utf8):
            raise errors.invalid_text()
        queue_fragment(parser, messages)
        parser.message_opcode = parser.passed = 0
        return 0
    message = parser.end_message()
    if parser.chunks is None:
        messages.append(message)
        return 0
    # This is the empty chunk that follows the last one.
    parser.chunks.append(message)
    parser.chunks = None
    return 0


cdef int queue_fragment(MessageParser parser, list messages) except -1:
    """Queue the frame of a fragmented message that has ended."""
    cdef bytes data = b"" if parser.assembly == NULL else take_assembly(parser)
    parser.passed += PyBytes_GET_SIZE(data)
    messages.append(Fragment(data, parser.message_opcode == TEXT, parser.fin))
    return 0


cdef bint take_back(MessageParser parser, list given) except -1:
    """Put the returned chunks of a message back in front of its assembled data."""
    cdef bytes data = b"".join(
        [chunk.encode() if isinstance(chunk, str) else chunk for chunk in given]
    )
    cdef Py_ssize_t size = PyBytes_GET_SIZE(data)
    cdef Py_ssize_t rest = parser.filled - parser.given
    cdef PyObject *assembly
    cdef list chunks = parser.chunks
    cdef uint64_t total = size + rest
    if parser.in_frame and not parser.opcode & CONTROL and not parser.compressed:
        total += parser.missing
    parser.chunks = None
    if is_over_limit(parser, total):
        parser.chunks = chunks
        return False
    if parser.given:
        # The assembly still has all the data.
        parser.given = 0
    elif size:
        assembly = PyBytes_New(NULL, size + rest)
        if assembly == NULL:
            parser.chunks = chunks
            raise MemoryError
        memcpy(bytes_memory(assembly), PyBytes_AS_STRING(data), size)
        if rest:
            memcpy(bytes_memory(assembly) + size, bytes_memory(parser.assembly), rest)
        parser.drop_assembly()
        parser.assembly = assembly
        parser.filled = size + rest
    return True


cdef int stop_at_fault(MessageParser parser) except -1:
    """Append the valid data before a fault as a chunk, then ignore everything."""
    cdef Py_ssize_t size = parser.filled - parser.given
    cdef bytes data
    try:
        if parser.chunks is None or size == 0:
            return 0
        data = PyBytes_FromStringAndSize(bytes_memory(parser.assembly) + parser.given, size)
        if parser.message_opcode != TEXT:
            parser.chunks.append(parser.binary(data))
            return 0
        data = data[:valid_bytes(data)]
        if data:
            parser.chunks.append(data.decode() if parser.decodes else data)
    finally:
        parser.stop()
    return 0


cdef Py_ssize_t valid_bytes(bytes data) except -1:
    """Count the bytes of the whole characters before the first invalid one."""
    try:
        data.decode()
    except UnicodeDecodeError as error:
        return error.start
    return len(data)
