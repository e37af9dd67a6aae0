cimport cython

from wirespeed._codec._core_bytes cimport total_length
from wirespeed._codec._core_wake cimport is_held, set_result as stop_with
from wirespeed._channel_c.receive.deadlines cimport Deadlines
from wirespeed._channel_c.receive.decoding cimport decoded, note_queued
from wirespeed._channel_c.receive.entries cimport Entries
from wirespeed._channel_c.receive.message cimport Message, bare_data, stamp, stamp_of, unstamped
from wirespeed._channel_c.receive.read_flow cimport ReadFlow
from wirespeed._channel_c.turn cimport Turn
from wirespeed._channel_c.waiter cimport Awaitable, Waiter, begin, suspend

cdef object _TEXT
cdef object _BINARY


cdef class Receive(Awaitable):
    cdef object _decode

    @cython.locals(inbox=Inbox, waiter=Waiter, expired=bint, served=bint)
    cdef bint _is_ready(self) except -1
    @cython.locals(inbox=Inbox)
    cdef object _hand_over(self)
    cdef object _take(self, Inbox inbox)
    @cython.locals(waiter=Waiter)
    cdef Waiter _suspend(self, Inbox inbox)
    cdef _tell(self, object on_wait)
    cdef _start_timer(self, Inbox inbox, Waiter waiter)
    @cython.locals(waiter=Waiter, inbox=Inbox)
    cdef _leave_queue(self)
    @cython.locals(inbox=Inbox)
    cpdef _forget(self)


cdef class Inbox(Entries):
    cdef object _loop
    cdef object _loads
    cdef public bint _keeps_undecoded
    cdef bint _decode_text
    cdef ReadFlow _clock
    cdef bint _is_plain
    cdef Py_ssize_t _reserved
    cdef list _waiters
    cdef public object _owner
    cdef bint _waking
    cdef object _end
    cdef Receive _spare
    cdef Deadlines _deadlines
    cdef object _on_taken
    cdef object _on_wait

    @cython.locals(wait=Receive)
    cdef Awaitable receive(self, type kind, bint is_step, object timeout, Py_ssize_t limit)
    @cython.locals(made=Receive)
    cdef Awaitable receive_decoded(
        self, type kind, bint is_step, object timeout, object decode
    )
    @cython.final
    cdef Py_ssize_t available(self) noexcept
    @cython.final
    cdef bint may_take(self, bint served) except -1
    @cython.final
    @cython.locals(waiter=Waiter)
    cdef bint _has_line(self) except -1
    cdef Waiter first_waiter(self, int opcode)
    cdef Deadlines deadlines(self)
    cdef stop_deadlines(self)
    cdef leave_line(self, Receive receive)
    cdef note_poll(self)
    cpdef list waiting(self)
    cdef bint has_waiters(self) noexcept
    cdef admit(self, Py_ssize_t before)
    cpdef pending(self)
    cdef put_back(self, Message message)
    cdef Message message_of(self, object entry)
    @cython.final
    cdef bint _is_text(self, object entry) except -1
    cdef peek(self)
    cdef Message take_now(self)
    @cython.locals(waiter=Waiter, in_place=bint)
    cdef wake(self)
    @cython.final
    cdef _wake_again(self, Waiter waiter)
    @cython.final
    cdef bint next_is_text(self) except -1
    @cython.final
    @cython.locals(message=Message)
    cdef Message pop_message(self)
    @cython.final
    cdef object pop(self)
    @cython.final
    cdef object pop_decoded(self, object decode)
    @cython.final
    cdef object _pop_entry(self)
    @cython.final
    @cython.locals(entries=list)
    cdef list _take_and_tell(self, Py_ssize_t count, object on_taken)
    @cython.locals(count=Py_ssize_t, batch=list, bare=list)
    cpdef list pop_many(self, Py_ssize_t limit)
