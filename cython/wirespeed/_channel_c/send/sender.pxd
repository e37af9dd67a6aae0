cimport cython

from wirespeed._codec._core_wake cimport thread_id as get_ident
from wirespeed._channel_c.send.outbox cimport Outbox
from wirespeed._channel_c.send.outgoing_stream cimport OutgoingStream
from wirespeed._channel_c.turn cimport Turn
from wirespeed._channel_c.waiter cimport Awaitable

cdef int OPCODE_TEXT
cdef int OPCODE_BINARY


cdef class Sender:
    cdef readonly object _loop
    cdef unsigned long _thread
    cdef readonly Outbox _outbox
    cdef object _late_ping
    cdef readonly object _closing

    cdef _check_thread(self)
    cdef _check_loop(self)
    @cython.locals(outbox=Outbox)
    cdef Awaitable _send_frame(self, int opcode, object payload, object compress)
    cdef Awaitable _send_fragments(self, int opcode, list payloads, object compress)
    @cython.locals(
        outbox=Outbox, settled=Awaitable, wait=Awaitable, opcode=cython.int, is_text=bint
    )
    cpdef _send_some(self, object messages, object compress)
    cdef _answer_ping(self, bytes payload)
    cdef _require_open(self)
    cpdef _on_resume_writing(self)
