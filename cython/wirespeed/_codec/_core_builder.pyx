# cython: nonecheck=False
"""The compiled frame builder: messages in, masked frames out.

Does no I/O. Its twin is `wirespeed._codec.pure.builder`.
"""

import os
import threading

cimport cython
from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.mem cimport PyMem_Free, PyMem_Realloc
from libc.stdint cimport uint8_t, uint64_t
from libc.string cimport memcpy

from wirespeed._codec._core_bytes cimport Utf8Validator, as_bytes_like

from wirespeed._base.rfc6455 import MASKING_KEY_BLOCK_BYTES


cdef extern from "kernels/cpu.h":
    void ws_cpu_init()

cdef extern from "kernels/mask.h":
    void ws_mask(
        uint8_t *dst, const uint8_t *src, size_t n, const uint8_t *key, size_t offset
    ) nogil

cdef extern from "kernels/header.h":
    enum: WS_MAX_HEADER_BYTES
    size_t ws_write_header(uint8_t *dst, uint8_t first, uint64_t n, const uint8_t *key) nogil

cdef extern from "Python.h":
    void *PyUnicode_DATA(object)
    bint PyUnicode_IS_COMPACT_ASCII(object)
    Py_ssize_t PyUnicode_GET_LENGTH(object)


cdef enum:
    FIN = 0x80
    OPCODE = 0x0F
    RSV1 = 0x40
    TEXT = 0x1
    # A buffer over this size is freed once its frames are taken.
    KEEP_BYTES = 128 * 1024

cdef Py_ssize_t KEY_BLOCK_BYTES = MASKING_KEY_BLOCK_BYTES
cdef unsigned long fork_generation = 0


def _forked():
    global fork_generation
    fork_generation += 1


ws_cpu_init()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)


cdef class MaskingKeys:
    """Masking keys from blocks of an entropy source; each key is used once."""

    def __init__(self, entropy):
        self.entropy = entropy
        self.block = b""
        self.position = 0
        self.generation = fork_generation

    # A loop that is run by one thread after another shares the keys with other loops of the first.
    @cython.critical_section
    cdef int draw(self, uint8_t *key) except -1:
        """Take the next 4 bytes of the block: keys must be unpredictable (RFC 6455 section 5.3)."""
        cdef object block
        if self.position + 4 > PyBytes_GET_SIZE(self.block) or self.generation != fork_generation:
            block = self.entropy(KEY_BLOCK_BYTES)
            if not isinstance(block, bytes):
                raise TypeError(f"entropy source must return bytes, not {type(block).__name__}")
            if PyBytes_GET_SIZE(block) != KEY_BLOCK_BYTES:
                raise ValueError(
                    f"entropy source returned {len(block)} bytes, {KEY_BLOCK_BYTES} were asked for"
                )
            self.block = block
            self.position = 0
            self.generation = fork_generation
        memcpy(key, PyBytes_AS_STRING(self.block) + self.position, 4)
        self.position += 4
        return 0


# Keys from the operating system: one block for all builders of a thread.
cdef object of_thread = threading.local()


cdef MaskingKeys keys_of_thread():
    keys = getattr(of_thread, "keys", None)
    if keys is None:
        keys = of_thread.keys = MaskingKeys(os.urandom)
    return keys


cdef class FrameBuilder:
    """Messages in, masked frames out; see `contract.FrameBuilder`."""

    def __cinit__(self, **options):
        self.buffer = NULL
        self.used = self.capacity = 0
        self.frames = self.payload_bytes = 0
        self.keys = keys_of_thread()

    def __init__(self, *, entropy=None):
        if entropy is not None:
            self.keys = MaskingKeys(entropy)

    def __dealloc__(self):
        PyMem_Free(self.buffer)

    def __len__(self):
        return self.used

    cpdef Py_ssize_t append(self, int opcode, object payload, bint fin=True) except -1:
        """Add one masked frame; see `contract.FrameBuilder.append`."""
        cdef int first = first_byte(opcode, fin)
        cdef Py_buffer view
        if type(payload) is str and PyUnicode_IS_COMPACT_ASCII(payload):
            self.add(first, <const uint8_t *>PyUnicode_DATA(payload), PyUnicode_GET_LENGTH(payload))
        elif type(payload) is bytes and opcode != TEXT:
            self.add(first, <const uint8_t *>PyBytes_AS_STRING(payload), PyBytes_GET_SIZE(payload))
        else:
            payload = as_payload(opcode, payload)
            PyObject_GetBuffer(payload, &view, PyBUF_SIMPLE)
            try:
                self.add(first, <const uint8_t *>view.buf, view.len)
            finally:
                PyBuffer_Release(&view)
        return self.used

    cpdef bytes take(self):
        """Return all gathered frames, and start again with none."""
        cdef bytes frames = PyBytes_FromStringAndSize(<char *>self.buffer, self.used)
        self.used = 0
        if self.capacity > KEEP_BYTES:
            PyMem_Free(self.buffer)
            self.buffer = NULL
            self.capacity = 0
        return frames

    cpdef bytes frame(self, int opcode, object payload, bint fin=True):
        """Build one masked frame, separate from the gathered ones; see `contract.FrameBuilder`."""
        cdef int first = first_byte(opcode, fin)
        cdef Py_buffer view
        cdef uint8_t key[4]
        cdef uint8_t header[WS_MAX_HEADER_BYTES]
        cdef Py_ssize_t header_bytes
        cdef bytes frame
        payload = as_payload(opcode, payload)
        PyObject_GetBuffer(payload, &view, PyBUF_SIMPLE)
        try:
            self.keys.draw(key)
            header_bytes = ws_write_header(header, first, view.len, key)
            frame = PyBytes_FromStringAndSize(NULL, header_bytes + view.len)
            memcpy(PyBytes_AS_STRING(frame), header, header_bytes)
            ws_mask(
                <uint8_t *>PyBytes_AS_STRING(frame) + header_bytes,
                <const uint8_t *>view.buf, view.len, key, 0,
            )
        finally:
            PyBuffer_Release(&view)
        self.frames += 1
        self.payload_bytes += PyBytes_GET_SIZE(frame) - header_bytes
        return frame

    cdef int add(self, int first, const uint8_t *payload, Py_ssize_t size) except -1:
        cdef uint8_t key[4]
        cdef uint8_t *target
        cdef size_t header_bytes
        self.keys.draw(key)
        self.reserve(size + WS_MAX_HEADER_BYTES)
        target = self.buffer + self.used
        header_bytes = ws_write_header(target, first, size, key)
        ws_mask(target + header_bytes, payload, size, key, 0)
        self.used += header_bytes + size
        self.frames += 1
        self.payload_bytes += size
        return 0

    cdef int reserve(self, Py_ssize_t size) except -1:
        cdef Py_ssize_t wanted = self.used + size
        cdef void *buffer
        if wanted <= self.capacity:
            return 0
        wanted = max(wanted, 2 * self.capacity, <Py_ssize_t>512)
        buffer = PyMem_Realloc(self.buffer, wanted)
        if buffer == NULL:
            raise MemoryError
        self.buffer = <uint8_t *>buffer
        self.capacity = wanted
        return 0


cdef int first_byte(int opcode, bint fin) except -1:
    if opcode & ~(OPCODE | RSV1):
        raise ValueError(f"opcode must be 0 to 15, or 64 to 79 with RSV1, not {opcode}")
    return opcode | FIN if fin else opcode


cdef object as_payload(int opcode, object payload):
    """Return a payload of any accepted type as bytes; text is checked to be UTF-8."""
    if isinstance(payload, str):
        return payload.encode()
    payload = as_bytes_like(payload, "payload must be str or bytes-like,")
    if opcode == TEXT:
        check = Utf8Validator()
        if not (check.feed(payload) and check.complete):
            raise ValueError("text payload is not valid UTF-8")
    return payload
