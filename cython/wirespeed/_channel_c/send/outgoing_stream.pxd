cimport cython

from wirespeed._channel_c.send.outbox cimport Outbox
from wirespeed._channel_c.waiter cimport Awaitable


@cython.final
cdef class OutgoingStream:
    cdef Outbox _outbox
    cdef object _compress
    cdef int _opcode
    cdef Py_ssize_t _items
    cdef bint _is_text
    cdef object _deflate
    cdef bint _is_open

    @cython.locals(is_text=bint)
    cpdef payload_of(self, object item)
    cpdef bint may_send(self) except -1
    @cython.locals(opcode=int)
    cpdef Awaitable send(self, object payload)
    cdef _begin(self, object first)
    @cython.locals(wait=Awaitable)
    cpdef Awaitable end(self)
    cpdef bint leave(self) except -1
