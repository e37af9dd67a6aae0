cimport cython

from wirespeed._channel_c.waiter cimport Waiter


@cython.final
cdef class Deadlines:
    cdef object __weakref__
    cdef object _loop
    cdef dict _deadlines
    cdef object _timer
    cdef double _next

    cpdef add(self, Waiter waiter, double deadline)
    cpdef discard(self, Waiter waiter)
    cpdef stop(self)
    cdef _set_timer(self, double when)
    @cython.locals(now=double, waiter=Waiter)
    cpdef _expire(self)
    cdef _watch_the_first(self)
