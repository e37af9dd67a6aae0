cimport cython

from wirespeed._codec._core_wake cimport call_in_context


cpdef raise_later(object loop, object exc)


@cython.final
cdef class Waiter:
    cdef public bint _asyncio_future_blocking
    cdef object _loop
    cdef object _callback
    cdef object _context
    cdef object _cancel_message
    cdef bint _cancelled
    cdef bint woken
    cdef bint expired
    cdef bint reserved

    cpdef wake(self)
    cpdef wake_later(self)
    cpdef bint done(self) noexcept
    cpdef expire(self)
    cdef _schedule(self)
    cdef bint _is_awaited_by(self, object callback) except -1


cdef class Awaitable:
    cdef object _source
    cdef bint _option
    cdef Py_ssize_t _limit
    cdef object _timeout
    cdef object _deadline
    cdef Waiter _waiter
    cpdef _forget(self)


@cython.locals(waiter=Waiter)
cpdef Waiter suspend(object loop)


cpdef Awaitable begin(
    Awaitable wait, object source, bint option, object timeout, Py_ssize_t limit
)
