cimport cython

from wirespeed._codec._core_wake cimport is_held, set_result as stop_with, thread_id as get_ident
from wirespeed._channel_c.receive.decoding cimport decoded
from wirespeed._channel_c.receive.inbox cimport Inbox, Receive
from wirespeed._channel_c.waiter cimport Awaitable, Waiter

cdef Py_ssize_t _AS_TEXT
cdef Py_ssize_t _AS_JSON
cdef Py_ssize_t _AS_BYTES
cdef object _TEXT
cdef object _BINARY
cdef int _OPCODE_TEXT
cdef int _OPCODE_BINARY


@cython.final
cdef class Message:
    cdef public object type
    cdef public object data
    cdef public int opcode
    cdef object _raw


cdef class ReceiveOfType(Receive):
    @cython.locals(wants_text=bint, is_text=bint)
    cdef object _take(self, Inbox inbox)


cdef class ReceiveTagged(Receive):
    cdef OneQueue _queue

    @cython.locals(inbox=Inbox)
    cdef bint _may_take_at_once(self) except -1
    @cython.locals(message=Message, is_text=bint)
    cdef object _take(self, Inbox inbox)


@cython.final
cdef class OneQueue:
    cdef Inbox _inbox
    cdef unsigned long _thread
    cdef Message _older
    cdef Message _newer

    cdef Awaitable _receive(self, object timeout, Py_ssize_t wanted)
    @cython.locals(wait=ReceiveTagged)
    cdef Awaitable _step(self)
    @cython.locals(message=Message)
    cdef Message _blank(self)
    cdef _drop_spares(self)
