from libc.stdint cimport uint32_t


cdef extern from "utf8.h":
    ctypedef struct ws_utf8:
        uint32_t state


cdef class Utf8Validator:
    cdef ws_utf8 utf8


cdef object as_bytes_like(object data, str name)
cpdef Py_ssize_t total_length(list messages, Py_ssize_t start) except -1
