cimport cython

from wirespeed._codec._core_bytes cimport total_length
from wirespeed._channel_c.turn cimport Turn

cdef Py_ssize_t COMPACT_AT


cdef class Entries:
    cdef Turn _turn
    cdef list _queue
    cdef Py_ssize_t _head
    cdef Py_ssize_t _added
    cdef Py_ssize_t _fresh
    cdef readonly Py_ssize_t _deepest

    cdef Py_ssize_t count(self) noexcept
    @cython.final
    cdef _count_added(self, Py_ssize_t count)
    @cython.final
    cdef bint has_fresh(self) noexcept
    @cython.final
    @cython.locals(fresh=Py_ssize_t)
    cdef Py_ssize_t take_fresh(self) noexcept
    @cython.final
    cdef make_fresh(self)
    @cython.final
    cdef Py_ssize_t count_last_read(self) noexcept
    @cython.locals(count=Py_ssize_t)
    cdef note_depth(self)
    @cython.locals(start=Py_ssize_t)
    cdef Py_ssize_t bytes_of_last(self, Py_ssize_t count) except -1
    cdef list last(self, Py_ssize_t count)
    cdef object at(self, Py_ssize_t position)
    cdef object replace(self, Py_ssize_t position, object entry)
    cdef append(self, object entry)
    @cython.final
    cdef list cut_first(self, Py_ssize_t count)
    @cython.locals(start=Py_ssize_t)
    cdef list cut_last(self, Py_ssize_t count)
    @cython.final
    @cython.locals(index=Py_ssize_t)
    cdef object _remove_entry(self)
    @cython.final
    cdef _restore(self, object entry)
    @cython.final
    @cython.locals(head=Py_ssize_t, size=Py_ssize_t, index=Py_ssize_t)
    cdef _advance(self, Py_ssize_t count)
