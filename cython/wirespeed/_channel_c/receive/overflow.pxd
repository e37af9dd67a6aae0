cimport cython

from wirespeed._codec._core_bytes cimport total_length
from wirespeed._channel_c.receive.conflation cimport Conflation
from wirespeed._channel_c.receive.inbox cimport Inbox
from wirespeed._channel_c.receive.read_flow cimport ReadFlow
from wirespeed._channel_c.waiter cimport raise_later


@cython.final
cdef class Drops:
    cdef object _loop
    cdef object _on_drop
    cdef Py_ssize_t _messages
    cdef Py_ssize_t _bytes

    cpdef counted(self)
    cdef add(self, Inbox inbox, list entries)
    cdef _tell(self, object message)


cdef class Bounds:
    cdef Inbox _inbox
    cdef ReadFlow _read_flow
    cdef Drops _drops
    cdef object _name
    cdef object _max_messages
    cdef object _max_bytes
    cdef Conflation _conflation
    cdef Py_ssize_t _bytes
    cdef bint _is_holding
    cdef bint _is_finished
    cdef bint _has_discarded

    @cython.locals(inbox=Inbox, fresh=Py_ssize_t)
    cdef object apply(self, bint is_ending)
    cdef object _relieve(self, bint is_ending)
    @cython.locals(inbox=Inbox, added=Py_ssize_t)
    cdef discard(self)
    cdef finish(self)
    cdef bint _is_over(self) except -1
    cdef bint _is_half_empty(self) except -1
    cdef _count_bytes(self)
    cpdef _after_taken(self, Py_ssize_t size)
    cdef _drop(self, list entries)


cdef class Dropping(Bounds):
    cdef discard(self)
    @cython.locals(count=Py_ssize_t)
    cdef object _relieve(self, bint is_ending)
    @cython.locals(
        inbox=Inbox, count=Py_ssize_t, size=Py_ssize_t, dropped=Py_ssize_t, most=Py_ssize_t
    )
    cdef Py_ssize_t _count_over(self) except -1
    cdef Py_ssize_t _next_to_go(self, Py_ssize_t dropped, Py_ssize_t count) except -1
    cdef _cut(self, Py_ssize_t count)


cdef class DropOldest(Dropping):
    cdef Py_ssize_t _next_to_go(self, Py_ssize_t dropped, Py_ssize_t count) except -1
    cdef _cut(self, Py_ssize_t count)


cdef class DropNewest(Dropping):
    cdef Py_ssize_t _next_to_go(self, Py_ssize_t dropped, Py_ssize_t count) except -1
    cdef _cut(self, Py_ssize_t count)


cdef class CloseWhenFull(Bounds):
    @cython.locals(count=Py_ssize_t)
    cdef object _relieve(self, bint is_ending)


cpdef Bounds bound(Inbox inbox, ReadFlow read_flow, Drops drops, object rules, str name=*)
