cimport cython

from wirespeed._codec._core_wake cimport thread_id as get_ident
from wirespeed._channel_c.receive.inbox cimport Inbox, Receive
from wirespeed._channel_c.receive.receives cimport ReceiveMessage
from wirespeed._channel_c.receive.partial_message cimport Chunks, PartialMessage
from wirespeed._channel_c.waiter cimport Awaitable, Waiter, begin, suspend


cdef class ReceiveChunk(Receive):
    cdef MessageStream _stream
    cdef Receive _turn

    @cython.locals(inbox=Inbox, chunks=Chunks, waiter=Waiter, expired=bint)
    cdef bint _is_ready(self) except -1
    @cython.locals(turn=Receive)
    cdef bint _has_turn(self, Inbox inbox, Chunks chunks) except -1
    cdef object _hand_over(self)
    @cython.locals(chunks=Chunks, turn=Receive, waiter=Waiter)
    cdef Waiter _suspend(self, Inbox inbox)
    @cython.locals(waiter=Waiter)
    cdef _leave_queue(self)
    @cython.locals(chunks=Chunks)
    cpdef _forget(self)


@cython.final
cdef class MessageStream:
    cdef object _loop
    cdef unsigned long _thread
    cdef Inbox _inbox
    cdef Chunks _chunks
    cdef object _timeout

    @cython.locals(wait=ReceiveChunk)
    cdef Awaitable _next(self)
    cdef _check_thread(self)
