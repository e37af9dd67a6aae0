cimport cython


cdef class Message:
    cdef readonly object type
    cdef readonly object data
    cdef readonly object received_at


@cython.final
cdef class Stamped:
    cdef object _entry
    cdef object _received_at


@cython.locals(index=Py_ssize_t, stamped=Stamped)
cpdef stamp(list queue, Py_ssize_t start, object received_at)


@cython.locals(stamped=Stamped)
cpdef object unstamped(object entry)


@cython.locals(stamped=Stamped)
cpdef object stamp_of(object entry)


cpdef object bare_data(object entry)
