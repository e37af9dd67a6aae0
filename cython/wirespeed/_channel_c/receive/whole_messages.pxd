cimport cython

from wirespeed._codec._core_wake cimport set_result as stop_with, thread_id as get_ident
from wirespeed._channel_c.receive.inbox cimport Inbox, Receive
from wirespeed._channel_c.waiter cimport Awaitable, Waiter


cdef class ReceiveWhole(Receive):
    cdef MessageReader _reader

    @cython.locals(inbox=Inbox)
    cdef bint _may_take_at_once(self) except -1
    @cython.locals(inbox=Inbox)
    cdef object _pop(self)
    @cython.locals(inbox=Inbox, reader=MessageReader)
    cdef bint _has_message(self) except -1
    @cython.locals(reader=MessageReader)
    cdef object _take(self, Inbox inbox)


@cython.final
cdef class MessageReader:
    cdef Inbox _inbox
    cdef object _conflict
    cdef unsigned long _thread
    cdef public bint is_streaming
    cdef list _fragments

    @cython.locals(inbox=Inbox)
    cpdef bint is_busy(self) except -1
    cpdef list take_fragments(self)
    @cython.locals(wait=ReceiveWhole)
    cdef Awaitable _make(self, bint is_step)
    @cython.locals(fragments=list, data=bytes)
    cdef object _join(self)
    cdef _check_thread(self)
