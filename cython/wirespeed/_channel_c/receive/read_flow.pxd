cimport cython

from wirespeed._codec._core_wake cimport monotonic

cdef Py_ssize_t FULL_TURN_BYTES
cdef Py_ssize_t SINGLE_READS


@cython.final
cdef class ReadFlow:
    cdef object _loop
    cdef object _transport
    cdef object _read_waiting
    cdef Py_ssize_t _holds
    cdef double _window
    cdef object _timer
    cdef object _parse_more
    cdef bint _parses_soon
    cdef bint _turn_is_open
    cdef Py_ssize_t _turn_bytes
    cdef Py_ssize_t _single_reads
    cdef Py_ssize_t _progress
    cdef readonly long long _bytes
    cdef readonly double _arrived_at
    cdef readonly Py_ssize_t _pauses
    cdef double _seconds_held
    cdef double _held_since

    cpdef attach(self, object transport)
    cpdef bint is_paused(self) noexcept
    cpdef bint is_held_back(self) noexcept
    cpdef Py_ssize_t progress(self) noexcept
    cpdef double seconds_held(self) except -1
    cpdef bint hold_back(self) except -1
    cpdef release(self)
    cpdef set_aside(self, object parse_more)
    cpdef parsed_all(self)
    cdef _parse_soon(self)
    cpdef _parse_now(self)
    cpdef arrived(self, Py_ssize_t size)
    cpdef finish(self)
    @cython.locals(is_full=bint)
    cpdef _end_turn(self)
    cpdef _end_window(self)
    @cython.locals(size=Py_ssize_t)
    cdef bint _read_in_window(self) except -1
    @cython.locals(size=Py_ssize_t, more=Py_ssize_t)
    cdef Py_ssize_t _read_all(self, object read_waiting) except? -1
    cdef bint _can_pause(self) except -1
    cdef _pause(self)
    cdef _resume_or_hold(self)
    cdef _resume(self)
