from wirespeed._channel_c.channel cimport Channel


cdef class Link:
    cdef Channel _channel
    cdef object _opening
    cdef object _opened
    cdef bytearray _memory
    cdef object _whole
    cdef object _view
    cdef bint _is_in_place
    cdef object _transport

    cpdef connection_made(self, object transport)
    cpdef get_buffer(self, Py_ssize_t sizehint)
    cpdef buffer_updated(self, Py_ssize_t nbytes)
    cpdef eof_received(self)
    cpdef connection_lost(self, object exc)
    cpdef pause_writing(self)
    cpdef resume_writing(self)
    cdef _end_opening_at_eof(self, object cause)
    cdef _end_opening(self, object cause=*)
