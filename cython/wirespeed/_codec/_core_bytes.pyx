"""Small parts of the compiled codec: masking, UTF-8 in pieces, views of bytes-like objects.

Its twin is `wirespeed._codec.pure.text_and_mask`.
"""

from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from libc.stdint cimport uint8_t


cdef extern from "kernels/cpu.h":
    void ws_cpu_init()

cdef extern from "kernels/mask.h":
    void ws_mask(
        uint8_t *dst, const uint8_t *src, size_t n, const uint8_t *key, size_t offset
    ) nogil

cdef extern from "kernels/utf8.h":
    void ws_utf8_init(ws_utf8 *u) nogil
    int ws_utf8_feed(ws_utf8 *u, const uint8_t *src, size_t n) nogil
    int ws_utf8_complete(const ws_utf8 *u) nogil


ws_cpu_init()


cdef object as_bytes_like(object data, str name):
    """Return an object that exports the bytes of `data` as one contiguous block."""
    cdef object view
    try:
        view = memoryview(data)
    except TypeError:
        raise TypeError(f"{name} not {type(data).__name__}") from None
    return view if view.c_contiguous else view.tobytes()


cdef class Utf8Validator:
    """Check UTF-8 that arrives in pieces; see `contract.Utf8Validator`."""

    def __cinit__(self):
        ws_utf8_init(&self.utf8)

    def feed(self, data):
        """Check the next bytes; return `False` from the first byte that cannot be UTF-8 on."""
        cdef Py_buffer view
        data = as_bytes_like(data, "data must be bytes-like,")
        PyObject_GetBuffer(data, &view, PyBUF_SIMPLE)
        try:
            return bool(ws_utf8_feed(&self.utf8, <const uint8_t *>view.buf, view.len))
        finally:
            PyBuffer_Release(&view)

    @property
    def complete(self):
        """Whether all bytes so far are valid and end at the end of a character."""
        return bool(ws_utf8_complete(&self.utf8))


def apply_mask(data, key, Py_ssize_t offset=0):
    """XOR `data` with the masking key; see `contract.ApplyMask`."""
    cdef Py_buffer view
    cdef bytes masked
    cdef bytes plain_key = bytes(as_bytes_like(key, "masking key must be bytes-like,"))
    data = as_bytes_like(data, "data must be bytes-like,")
    if len(plain_key) != 4:
        raise ValueError(f"masking key must be 4 bytes, not {len(plain_key)}")
    if offset < 0:
        raise ValueError("offset must not be negative")
    PyObject_GetBuffer(data, &view, PyBUF_SIMPLE)
    try:
        masked = PyBytes_FromStringAndSize(NULL, view.len)
        ws_mask(
            <uint8_t *>PyBytes_AS_STRING(masked), <const uint8_t *>view.buf, view.len,
            <const uint8_t *>PyBytes_AS_STRING(plain_key), offset,
        )
        return masked
    finally:
        PyBuffer_Release(&view)


cpdef Py_ssize_t total_length(list messages, Py_ssize_t start) except -1:
    """Return a sum of lengths; see `contract.TotalLength`."""
    cdef Py_ssize_t index, total = 0
    for index in range(start, len(messages)):
        total += len(messages[index])
    return total
