cimport cython

from wirespeed._codec._core cimport MessageParser
from wirespeed._codec._core_wake cimport referent
from wirespeed._channel_c.channel cimport Channel


cdef class ChannelProtocol:
    cdef object _channel
    cdef Channel _kept
    cdef list _receivers
    cdef list _senders
    cdef list _awaited
    cdef MessageParser _parser
    cdef object _opening
    cdef object _agree
    cdef object _opened
    cdef bytearray _memory
    cdef object _whole
    cdef object _view
    cdef bint _is_in_place
    cdef object _transport

    cpdef hold(self, Channel channel)
    cpdef reach(self, object awaited)
    cpdef connection_made(self, object transport)
    cpdef send_request(self)
    cpdef get_buffer(self, Py_ssize_t sizehint)
    @cython.locals(channel=Channel)
    cpdef buffer_updated(self, Py_ssize_t nbytes)
    @cython.locals(channel=Channel)
    cpdef eof_received(self)
    cpdef connection_lost(self, object exc)
    @cython.locals(channel=Channel)
    cdef _end(self, object exc)
    @cython.locals(channel=Channel)
    cpdef pause_writing(self)
    @cython.locals(channel=Channel)
    cpdef resume_writing(self)
    @cython.locals(channel=Channel)
    cpdef read_left(self, object exc, object lost, object reader)
    cdef _read_rest(self, Channel channel, object exc)
    cdef _tls_reader(self)
    @cython.locals(size=Py_ssize_t)
    cdef Py_ssize_t _decrypt_rest(self, Channel channel, object read_tls) except -2
    cdef _end_writing(self, Channel channel, object exc, bint is_of_write)
    cdef bint _has_room(self, Channel channel) except -1
    cdef _end_opening_at_eof(self, object cause)
    @cython.locals(channel=Channel)
    cdef _end_opening(self, object cause=*)
