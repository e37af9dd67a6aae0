"""Headers that arrive in pieces, control frames, and their checks (RFC 6455 section 5).

Included by `_core.pyx`.
"""


cdef int check_start(MessageParser parser, const ws_header *header) except -1:
    """Check the first two bytes of a frame."""
    cdef int opcode = header.first & OPCODE
    if header.first & RESERVED:
        check_reserved(parser.inflater, header.first)
    if not (opcode <= BINARY or CLOSE <= opcode <= PONG):
        raise errors.unknown_opcode(opcode)
    if parser.masked and not header.second & MASK:
        raise errors.unmasked_frame()
    if not parser.masked and header.second & MASK:
        raise errors.masked_frame()
    if opcode & CONTROL:
        if not header.first & FIN:
            raise errors.fragmented_control_frame()
    elif opcode == CONTINUATION:
        if not parser.message_opcode:
            raise errors.unexpected_continuation()
    elif parser.message_opcode:
        raise errors.expected_continuation(opcode)
    return 0


cdef int check_length(MessageParser parser, const ws_header *header) except -1:
    """Check the payload length once it is complete."""
    cdef uint64_t total
    if header.length_bytes == 8:
        if header.length >> 63:
            raise errors.length_too_large(header.length)
        if header.length <= 65535:
            raise errors.length_not_minimal(header.length, 8)
    elif header.length_bytes == 2 and header.length <= MAX_CONTROL:
        raise errors.length_not_minimal(header.length, 2)
    if header.first & CONTROL:
        if header.length > MAX_CONTROL:
            raise errors.control_payload_too_long(header.length)
        return 0
    if header.length > parser.frame_limit:
        raise errors.frame_too_big(header.length, parser.frame_limit)
    if parser.compressed or header.first & RSV1:
        total = parser.wire_bytes + header.length if parser.compressed else header.length
        if parser.chunks is None and parser.limited and total > parser.wire_limit:
            raise errors.compressed_message_too_big(total, parser.wire_limit, parser.limit)
        return 0
    total = <uint64_t>parser.passed + parser.filled + header.length
    if is_over_limit(parser, total):
        raise errors.message_too_big(total, parser.limit)
    return 0


cdef bint is_over_limit(MessageParser parser, uint64_t total) noexcept:
    """Return whether a message of this size is over the limit; chunks have no limit."""
    return parser.limited and total > parser.limit and parser.chunks is None


cdef tuple parse_close(MessageParser parser, bytes payload):
    """Read the payload of a Close frame (RFC 6455 section 5.5.1)."""
    cdef int code
    cdef ws_utf8 reason
    if parser.control_size == 0:
        return (1005, "")
    if parser.control_size == 1:
        raise errors.truncated_close_code()
    code = parser.control[0] << 8 | parser.control[1]
    if not is_sendable_close_code(code):
        raise errors.invalid_close_code(code)
    # A separate state: the parser's own may be inside a text message.
    ws_utf8_init(&reason)
    ws_utf8_feed(&reason, parser.control + 2, parser.control_size - 2)
    if not ws_utf8_complete(&reason):
        raise errors.invalid_close_reason()
    return (code, payload[2:].decode())


cdef const uint8_t *take_header(
    MessageParser parser, const uint8_t *data, const uint8_t *end, ws_header *header
) except NULL:
    """Collect a header byte by byte; `header_size` returns to 0 when it is complete."""
    cdef Py_ssize_t wanted
    cdef bint complete
    while data != end:
        parser.header[parser.header_size] = data[0]
        parser.header_size += 1
        data += 1
        if parser.header_size < 2:
            continue
        complete = ws_read_header(header, parser.header, parser.header_size)
        if parser.header_size == 2:
            check_start(parser, header)
        if not complete:
            continue
        if parser.header_size == header.header_bytes:
            check_length(parser, header)
        wanted = header.header_bytes
        if parser.masked:
            wanted += 4
        if parser.header_size == wanted:
            memcpy(parser.key, parser.header + header.header_bytes, 4)
            parser.header_size = 0
            break
    return data


cdef const uint8_t *take_whole_controls(
    MessageParser parser, const uint8_t *data, const uint8_t *end
) except NULL:
    """Take the unmasked Pings and Pongs that have arrived in full.

    Step by step, as other frames are taken, each would cost twice as much: a peer may send many.
    """
    cdef int opcode
    cdef Py_ssize_t size
    while end - data >= 2 and parser.frames < parser.last_frame and not parser.queues_controls:
        opcode = data[0] & OPCODE
        size = data[1]
        if data[0] != FIN | opcode or not PING <= opcode <= PONG or size > MAX_CONTROL:
            break
        if size > end - data - 2 or <uint64_t>size > parser.frame_limit:
            break
        parser.controls.append(
            (opcode, PyBytes_FromStringAndSize(<const char *>data + 2, size))
        )
        if opcode == PONG:
            parser.pongs += 1
        else:
            parser.pings += 1
        parser.frames += 1
        parser.payload_bytes += size
        data += 2 + size
    return data


cdef int end_control(MessageParser parser, list messages) except -1:
    cdef bytes payload = (<char *>parser.control)[:parser.control_size]
    if parser.opcode != CLOSE:
        if parser.queues_controls:
            messages.append(Control(parser.opcode, payload))
        if not parser.queues_controls or parser.opcode == PONG:
            parser.controls.append((parser.opcode, payload))
        if parser.opcode == PONG:
            parser.pongs += 1
        else:
            parser.pings += 1
        return 0
    parser.close = parse_close(parser, payload)
    if parser.chunks is not None:
        give_chunk(parser)
    parser.stop()
    return 0
