"""Text payloads to `str`: the glue around the kernels for ASCII and for other UTF-8.

Included by `_core.pyx`: as a separate module it would cost a call through a pointer.
"""

from libc.stdint cimport uint8_t
from libc.string cimport memcpy

from wirespeed._codec._core_bytes cimport ws_text

from wirespeed import exceptions as errors


cdef extern from "kernels/ascii.h":
    int ws_is_short_ascii(const uint8_t *src, size_t n) nogil
    void ws_copy_short(uint8_t *dst, const uint8_t *src, size_t n) nogil
    size_t ws_copy_ascii(uint8_t *dst, const uint8_t *src, size_t n) nogil

cdef extern from "kernels/lookup.h":
    int ws_utf8_measure(ws_text *text, const uint8_t *src, size_t n) nogil
    void ws_text_add(ws_text *text, size_t points, uint8_t top) nogil
    Py_UCS4 ws_text_class(const ws_text *text) nogil

cdef extern from "kernels/transcode.h":
    void ws_transcode_init()
    bint ws_can_transcode() nogil
    void ws_transcode(void *dst, const ws_text *text, const uint8_t *src, size_t n) nogil

cdef extern from "Python.h":
    object PyUnicode_New(Py_ssize_t size, Py_UCS4 maxchar)
    void *PyUnicode_DATA(object)
    object PyUnicode_DecodeUTF8(const char *, Py_ssize_t, const char *)


cdef enum:
    # Up to this size the kernels for ASCII need no loop.
    SHORT_BYTES = 64
    # Longer text is first checked up to here. Twice as much costs ASCII of 65 to 256 bytes 5 %.
    PEEK_BYTES = 32

ws_transcode_init()


cdef object decode_text(const uint8_t *data, Py_ssize_t size):
    """Decode a whole text message."""
    cdef object text
    cdef Py_ssize_t ascii
    if size <= SHORT_BYTES:
        if not ws_is_short_ascii(data, size):
            return decode_further(data, size, 0)
        text = PyUnicode_New(size, 127)
        ws_copy_short(<uint8_t *>PyUnicode_DATA(text), data, size)
        return text
    # Text with an early non-ASCII character must not allocate a `str` that is then discarded.
    if not ws_is_short_ascii(data, PEEK_BYTES):
        return decode_further(data, size, 0)
    text = PyUnicode_New(size, 127)
    ascii = ws_copy_ascii(<uint8_t *>PyUnicode_DATA(text), data, size)
    if ascii == size:
        return text
    # Free it first: the next `str` may take the same memory.
    text = None
    return decode_further(data, size, ascii)


cdef object check_text(const uint8_t *data, Py_ssize_t size):
    """Return a whole text message as `bytes`, checked to be UTF-8."""
    check_utf8(data, size)
    return PyBytes_FromStringAndSize(<const char *>data, size)


cdef int check_utf8(const uint8_t *data, Py_ssize_t size) except -1:
    cdef ws_utf8 utf8
    ws_utf8_init(&utf8)
    ws_utf8_feed(&utf8, data, size)
    if not ws_utf8_complete(&utf8):
        raise errors.invalid_text()
    return 0


cdef object decode_further(const uint8_t *data, Py_ssize_t size, Py_ssize_t ascii):
    """Decode text that is not all ASCII, but whose first `ascii` bytes are."""
    cdef ws_text extent
    if not ws_can_transcode():
        return decode_by_python(data, size)
    if not ws_utf8_measure(&extent, data + ascii, size - ascii):
        raise errors.invalid_text()
    ws_text_add(&extent, ascii, 0)
    return decode_measured(&extent, data, size)


cdef object decode_measured(const ws_text *extent, const uint8_t *data, Py_ssize_t size):
    """Decode valid text that has been measured."""
    cdef object text
    if extent.top >= 0x80 and not ws_can_transcode():
        return decode_by_python(data, size)
    text = PyUnicode_New(extent.points, ws_text_class(extent))
    if extent.top < 0x80:
        memcpy(PyUnicode_DATA(text), data, size)
    else:
        ws_transcode(PyUnicode_DATA(text), extent, data, size)
    return text


cdef object decode_by_python(const uint8_t *data, Py_ssize_t size):
    """Decode with CPython's decoder: with one pass, it is faster than portable C with two."""
    try:
        return PyUnicode_DecodeUTF8(<const char *>data, size, NULL)
    except UnicodeDecodeError:
        pass
    # Raised outside `except`, so that the decoder's error, which has the payload, is not chained.
    raise errors.invalid_text()
