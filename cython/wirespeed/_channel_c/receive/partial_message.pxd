cimport cython

from wirespeed._codec._core cimport MessageParser
from wirespeed._channel_c.receive.inbox cimport Inbox, Receive
from wirespeed._channel_c.receive.message cimport Message
from wirespeed._channel_c.receive.read_flow cimport ReadFlow
from wirespeed._channel_c.waiter cimport Waiter

cdef object _TEXT


@cython.final
cdef class Chunks:
    cdef PartialMessage partial
    cdef object type
    cdef Receive turn
    cdef Waiter waiter
    cdef bint is_served
    cdef bint is_touched
    cdef bint is_complete
    cdef bint is_over
    cdef bint is_cut
    cdef object _waiting

    cdef bint has_chunk(self) except -1
    cdef bint has_news(self) except -1
    cdef add(self, Message message)
    @cython.locals(before=Py_ssize_t)
    cdef _extend(self, list chunks)
    cdef take_whole(self, Message message)
    cdef object pop(self)
    @cython.locals(waiter=Waiter)
    cpdef drop(self)
    cdef list clear(self)
    cdef list waiting(self)
    cdef abandon(self, object loop)


@cython.final
cdef class PartialMessage:
    cdef MessageParser _parser
    cdef Inbox _inbox
    cdef ReadFlow _read_flow
    cdef Py_ssize_t _max_waiting
    cdef Py_ssize_t _max_assembled
    cdef list _arrived
    cdef bint _is_streaming
    cdef Chunks _owner
    cdef list _line
    cdef list _readers
    cdef Py_ssize_t _size
    cdef Py_ssize_t _progress
    cdef bint _holds_message
    cdef bint _holds_chunks
    cdef bint _is_finished

    cdef Py_ssize_t size(self) noexcept
    cdef Py_ssize_t progress(self) noexcept
    cdef start(self, Chunks chunks)
    cdef enter(self, Chunks chunks, Receive turn)
    cdef wait(self, Chunks chunks, Waiter waiter)
    cdef leave(self, Chunks chunks)
    @cython.locals(is_text=bint, waiting=list)
    cdef give_back(self, Chunks chunks)
    cdef bint _stop_streaming(self, list given) except -1
    cpdef review(self, bint is_poll)
    cdef bint _is_wanted(self) except -1
    @cython.locals(inbox=Inbox)
    cdef bint _may_stream(self) except -1
    @cython.locals(chunks=Chunks)
    cdef _offer(self)
    cdef _serve(self, Chunks chunks)
    cdef _stream_to(self, Chunks owner)
    cdef _listen(self)
    @cython.locals(owner=Chunks)
    cdef Py_ssize_t take_read(self) except -1
    @cython.locals(owner=Chunks, ended=Py_ssize_t)
    cdef Py_ssize_t _hand_on(self) except -1
    @cython.locals(handed=Py_ssize_t, has_failed=bint)
    cdef _hand_on_to(self, Chunks owner)
    cdef bint has_readers(self) noexcept
    @cython.locals(chunks=Chunks, waiter=Waiter)
    cdef wake(self)
    cdef count(self, Py_ssize_t size)
    cdef bound(self)
    cdef _bound_message(self)
    cdef finish(self)
