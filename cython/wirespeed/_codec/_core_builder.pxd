from libc.stdint cimport uint8_t, uint64_t


cdef class MaskingKeys:
    cdef object entropy
    cdef bytes block
    cdef Py_ssize_t position
    cdef unsigned long generation

    cdef int draw(self, uint8_t *key) except -1


cdef class FrameBuilder:
    cdef uint8_t *buffer
    cdef Py_ssize_t used
    cdef Py_ssize_t capacity
    cdef MaskingKeys keys
    # Counts of the frames that were built.
    cdef readonly uint64_t frames
    cdef readonly uint64_t payload_bytes

    cpdef Py_ssize_t append(self, int opcode, object payload, bint fin=*) except -1
    cpdef bytes take(self)
    cpdef bytes frame(self, int opcode, object payload, bint fin=*)
    cdef int add(self, int first, const uint8_t *payload, Py_ssize_t size) except -1
    cdef int reserve(self, Py_ssize_t size) except -1
