cimport cython

from wirespeed._channel_c.waiter cimport Waiter, suspend


@cython.final
cdef class HeldSends:
    cdef object _loop
    cdef list _line
    cdef bint _is_holding
    cdef object _owner
    cdef list _messages
    cdef Py_ssize_t _bytes
    cdef Py_ssize_t _left
    cdef list _waiters
    cdef object _refusal

    cpdef bint stand_in_line(self, object stream) except -1
    cpdef begin(self)
    cpdef bint is_own(self) except -1
    @cython.locals(was_first=bint)
    cpdef leave(self, object stream)
    cpdef add(self, int opcode, object payload, object compress, Py_ssize_t size)
    cpdef list take(self)
    cpdef refuse(self, object refusal)
    cpdef Waiter wait(self)
    cpdef forget(self, Waiter waiter)
    @cython.locals(waiter=Waiter)
    cdef _wake(self)
