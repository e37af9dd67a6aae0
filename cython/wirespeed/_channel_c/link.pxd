from wirespeed._channel_c.channel cimport Channel


cdef class Link:
    cdef Channel _channel
    cdef object _opening
    cdef object _opened
    cdef bytearray _memory
    cdef object _view
    cdef bint _is_in_place
    cdef object _transport

    cdef _end_opening_at_eof(self, object cause)
    cdef _end_opening(self, object cause=*)
