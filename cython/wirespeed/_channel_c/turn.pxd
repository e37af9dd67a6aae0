cimport cython


@cython.final
cdef class Turn:
    cdef public bint more_wait
