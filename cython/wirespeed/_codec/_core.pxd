from libc.stdint cimport uint8_t, uint64_t
from cpython.ref cimport PyObject

from wirespeed._codec._core_bytes cimport ws_utf8


cdef extern from "kernels/header.h":
    ctypedef struct ws_header:
        uint8_t first
        uint8_t second
        uint8_t header_bytes
        uint64_t length
        int length_bytes


cdef class MessageParser:
    cdef public list controls
    cdef public object close
    cdef public bint queues_controls
    cdef public bint queues_fragments
    cdef public uint64_t frame_limit
    # Counts of the frames that arrived in full.
    cdef readonly uint64_t frames
    cdef readonly uint64_t payload_bytes
    cdef readonly uint64_t pings
    cdef readonly uint64_t pongs
    # The arguments of the caller.
    cdef bint masked
    cdef bint decodes
    cdef readonly bint limited
    cdef uint64_t limit
    # Nothing is parsed any more: a Close frame arrived, or the stream was malformed.
    cdef bint finished
    # Inflates compressed messages; `None` if they are not allowed.
    cdef object inflater
    # The stream and its bound method; `None` if one call cannot inflate the next message.
    cdef object decompressor
    cdef object decompress
    cdef uint64_t wire_limit
    # An incomplete header.
    cdef uint8_t header[14]
    cdef Py_ssize_t header_size
    # The current frame: its header is complete, its payload is not.
    cdef bint in_frame
    cdef uint8_t opcode
    cdef bint fin
    cdef uint64_t length
    cdef uint64_t missing
    cdef uint8_t key[4]
    cdef size_t key_offset
    cdef uint8_t control[125]
    cdef Py_ssize_t control_size
    # The message under assembly: `assembly` is a `bytes` object that no other code holds, and
    # `filled` bytes of it are used.
    cdef readonly uint8_t message_opcode
    cdef PyObject *assembly
    cdef readonly Py_ssize_t filled
    # The list for its chunks, `None` while messages are returned whole. `given` is the part of the
    # assembly that was returned already; it is used while a caller may read into the assembly.
    cdef readonly list chunks
    cdef Py_ssize_t given
    # The bytes of the message that were queued as fragments.
    cdef Py_ssize_t passed
    # Whether it is compressed, and its bytes on the wire, the current frame included.
    cdef bint compressed
    cdef uint64_t wire_bytes
    # The size of the last inflated step if there may be more; -1 if there is none. Whether all of
    # the payload and its tail were given to the inflater.
    cdef Py_ssize_t step
    cdef bint tail_given
    # What one `feed` may take: the caller's limits, what is left of them, and the bytes of its
    # data that they left over; -1 for none.
    cdef public uint64_t slice_frames
    cdef public Py_ssize_t slice_bytes
    cdef uint64_t last_frame
    cdef Py_ssize_t room
    cdef readonly Py_ssize_t unparsed
    # How much of the assembly's memory `get_buffer` has lent out.
    cdef Py_ssize_t lent
    cdef ws_utf8 utf8

    cpdef object feed(self, object data, list messages, Py_ssize_t size=*)
    cpdef object accept_compressed(self, object inflater)
    cpdef object stream(self, list chunks)
    cpdef bint take_back(self, list given) except -1
    cpdef object get_buffer(self)
    cpdef object buffer_updated(self, Py_ssize_t size, list messages)
    cdef int parse_or_finish(self, const uint8_t *data, Py_ssize_t size, list messages) except -1
    cdef int parse(self, const uint8_t *data, const uint8_t *end, list messages) except -1
    cdef const uint8_t *take_whole_messages(
        self, const uint8_t *data, const uint8_t *end, list messages
    ) except NULL
    cdef object whole_message(self, int first, const uint8_t *data, Py_ssize_t size)
    cdef object binary(self, object data)
    cdef bint is_ordinary(self, const ws_header *header) noexcept
    cdef int begin_frame(self, const ws_header *header) except -1
    cdef const uint8_t *take_payload(
        self, const uint8_t *data, const uint8_t *end, list messages
    ) except NULL
    cdef int store(self, const uint8_t *data, Py_ssize_t size) except -1
    cdef int reserve(self, Py_ssize_t size) except -1
    cdef int end_frame(self, list messages) except -1
    cdef object end_message(self)
    cdef void drop_assembly(self) noexcept
    cdef void stop(self) noexcept
