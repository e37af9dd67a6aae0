cimport cython

from wirespeed._codec._core cimport MessageParser
from wirespeed._channel_c.receive.inbox cimport Inbox
from wirespeed._channel_c.receive.partial_message cimport PartialMessage
from wirespeed._channel_c.receive.receiver cimport Receiver
from wirespeed._channel_c.turn cimport Turn
from wirespeed._channel_c.waiter cimport Waiter, suspend


cdef class Channel(Receiver):
    cdef object __weakref__
    cdef readonly object _transport
    cdef readonly object _opened
    cdef object _write_buffer_size
    cdef public object _on_ping
    cdef readonly object _watch
    cdef bint _ignores_reads
    cdef object _unparsed
    cdef readonly Py_ssize_t _received
    cdef public object _on_messages

    @cython.locals(before=Py_ssize_t)
    cdef _read(self, object data, Py_ssize_t size)
    @cython.locals(before=Py_ssize_t)
    cdef _parse(self, object data, Py_ssize_t size)
    cpdef _parse_more(self)
    cdef _parse_all(self)
    @cython.locals(before=Py_ssize_t)
    cdef _read_in_place(self, Py_ssize_t size)
    cdef _keep_parsed(self, Py_ssize_t before)
    @cython.locals(parser=MessageParser, inbox=Inbox, added=Py_ssize_t, ends=bint)
    cdef _after_read(self, Py_ssize_t before, object fault)
    @cython.locals(partial=PartialMessage)
    cdef _wake(self)
    cpdef Py_ssize_t _heard(self) noexcept
    @cython.locals(controls=list)
    cdef _take_controls(self)
    @cython.locals(
        ping=int, opcode=int, pings=Py_ssize_t, pongs=Py_ssize_t, kept=list, control=tuple,
        awaited=set
    )
    cdef list _without_flood(self, list controls)
    cdef _bound_queue(self, bint ends)
    cpdef _read_to_the_end(self, bint ignoring=*)
    cpdef bint _has_queued(self) noexcept
    cpdef _open(self, object transport, object opened)
