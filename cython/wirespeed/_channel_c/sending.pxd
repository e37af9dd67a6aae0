cimport cython

from wirespeed._core_wake cimport thread_id as get_ident
from wirespeed._channel_c.inbox cimport Inbox
from wirespeed._channel_c.outgoing cimport Outgoing
from wirespeed._channel_c.stream_sending cimport OutgoingStream
from wirespeed._channel_c.waiter cimport Awaitable


cdef class Sender:
    cdef readonly object _loop
    cdef unsigned long _thread
    cdef readonly Outgoing _outgoing
    cdef readonly Inbox _inbox
    cdef object _late_ping
    cdef public bint _sending_over

    cdef _check_thread(self)
    @cython.locals(outgoing=Outgoing, more=bint)
    cdef Awaitable _send_frame(self, int opcode, object payload, object compress)
    cdef Awaitable _send_fragments(self, int opcode, list payloads, object compress)
    cdef _answer_ping(self, bytes payload)
    cdef _require_open(self)
    cpdef _on_resume_writing(self)
