from libc.stdint cimport uint8_t


cdef extern from "kernels/lookup.h":
    ctypedef struct ws_text:
        size_t points
        uint8_t top

cdef extern from "kernels/utf8.h":
    ctypedef struct ws_utf8:
        ws_text text


cdef class Utf8Validator:
    cdef ws_utf8 utf8


cdef object as_bytes_like(object data, str name)
cpdef Py_ssize_t total_length(list messages, Py_ssize_t start) except -1
