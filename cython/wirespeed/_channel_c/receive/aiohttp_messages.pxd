cimport cython

from wirespeed._codec._core_wake cimport is_held, set_result as stop_with, thread_id as get_ident
from wirespeed._channel_c.receive.inbox cimport Inbox, Receive
from wirespeed._channel_c.waiter cimport Awaitable, Waiter

cdef Py_ssize_t AT_END
cdef Py_ssize_t AT_END_IN_LINE


@cython.final
cdef class WSMessage:
    cdef readonly object type
    cdef readonly object data
    cdef readonly object extra


cdef class ReceiveTyped(Receive):
    cdef TypedReceiver _receiver

    cdef bint _is_ready(self) except -1
    @cython.locals(inbox=Inbox)
    cdef bint _may_take_at_once(self) except -1
    @cython.locals(inbox=Inbox, waiter=Waiter)
    cdef bint _is_at_end(self) except -1
    @cython.locals(receiver=TypedReceiver, message=WSMessage, is_text=bint)
    cdef object _take(self, Inbox inbox)


@cython.final
cdef class TypedReceiver:
    cdef Inbox _inbox
    cdef object _types
    cdef object _text
    cdef object _binary
    cdef object _tell_end
    cdef object _timeout
    cdef unsigned long _thread
    cdef bint _is_over
    cdef readonly bint timed_out
    cdef WSMessage _older
    cdef WSMessage _newer

    @cython.locals(wait=ReceiveTyped)
    cdef Awaitable _make(self, bint is_step, object timeout)
    @cython.locals(message=WSMessage)
    cdef WSMessage _blank(self)
    cdef _drop_spares(self)
    cpdef finish(self)
