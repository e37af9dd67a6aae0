cimport cython

from wirespeed._codec._core_socket cimport receive_into, send_some
from wirespeed._channel_c.protocol cimport ChannelProtocol


@cython.final
cdef class SocketTransport:
    cdef object __weakref__
    cdef object _loop
    cdef object _sock
    cdef int _fd
    cdef ChannelProtocol _protocol
    cdef object _backlog
    cdef Py_ssize_t _backlog_bytes
    cdef Py_ssize_t _high_water
    cdef Py_ssize_t _low_water
    cdef bint _writing_is_paused
    cdef bint _reading_is_paused
    cdef bint _eof_is_due
    cdef bint _is_closing
    cdef bint _is_lost
    cdef bint _is_broken
    cdef object _last_name

    cpdef pause_reading(self)
    cpdef resume_reading(self)
    @cython.locals(size=Py_ssize_t)
    cpdef Py_ssize_t read_waiting(self) except? -1
    @cython.locals(size=Py_ssize_t)
    cpdef write(self, bytes data)
    cdef _keep(self, object data)
    @cython.locals(size=Py_ssize_t)
    cpdef _write_ready(self)
    cdef _after_backlog(self)
    cdef _shut_down(self)
    cdef _pause_if_full(self)
    cdef _resume_if_low(self)
    cpdef bint is_closing(self) noexcept
    cpdef close(self)
    cpdef abort(self)
    cdef _stop_reading(self)
    cdef _lose(self, object exc)
    cdef _drop(self, object exc)
    cdef _schedule_end(self, object exc)
    cdef _report(self, object exc)
