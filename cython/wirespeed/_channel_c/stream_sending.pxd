cimport cython

from wirespeed._channel_c.outgoing cimport Outgoing
from wirespeed._channel_c.waiter cimport Awaitable


@cython.final
cdef class OutgoingStream:
    cdef Outgoing _outgoing
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
    cpdef Awaitable send(self, object payload, bint more)
    cdef _begin(self, object first)
    @cython.locals(wait=Awaitable)
    cpdef Awaitable end(self, bint more)
    cpdef bint leave(self) except -1
