cimport cython

from wirespeed._channel_c.receive.decoding cimport decoded, note_queued
from wirespeed._channel_c.receive.overflow cimport Bounds, Drops, bound
from wirespeed._channel_c.receive.inbox cimport Inbox, Receive
from wirespeed._channel_c.receive.receives cimport (
    ReceiveBytes,
    ReceiveJson,
    ReceiveMany,
    ReceiveMessage,
    ReceiveProtocol,
    ReceiveText,
)
from wirespeed._channel_c.receive.message cimport Message
from wirespeed._channel_c.receive.read_flow cimport ReadFlow
from wirespeed._channel_c.turn cimport Turn
from wirespeed._channel_c.waiter cimport Awaitable, Waiter, begin, suspend

cdef bint _takes(object kind, bint is_text) noexcept
cdef bint _is_text(Entry entry) noexcept

cdef object _TEXT
cdef object _BINARY


@cython.final
cdef class Entry:
    cdef readonly Py_ssize_t number
    cdef readonly Message message


cdef class Lane(Inbox):
    @cython.locals(newer=Entry, replaced=Entry)
    cdef object replace(self, Py_ssize_t position, object entry)
    @cython.locals(queued=Entry)
    cdef Message message_of(self, object entry)
    @cython.locals(entry=Entry)
    cdef Py_ssize_t first_number(self) except -1
    cdef admit_all(self, list entries)
    @cython.locals(index=Py_ssize_t)
    cdef give_back(self, Entry entry)


cdef class LaneReceive(Receive):
    cdef object _kind
    cdef Entry _entry

    @cython.locals(inbox=LaneInbox, waiter=Waiter, expired=bint)
    cdef bint _is_ready(self) except -1
    @cython.locals(inbox=LaneInbox, entry=Entry)
    cdef object _hand_over(self)
    @cython.locals(message=Message)
    cdef object _result(self, LaneInbox inbox, Entry entry)
    @cython.locals(lanes=LaneInbox, waiter=Waiter)
    cdef Waiter _suspend(self, Inbox inbox)
    @cython.locals(inbox=LaneInbox, waiter=Waiter)
    cdef _leave_queue(self)
    @cython.locals(inbox=LaneInbox, entry=Entry)
    cpdef _forget(self)


cdef class LaneInbox(Inbox):
    cdef readonly Lane text
    cdef readonly Lane binary
    cdef Py_ssize_t _numbered
    cdef list _line
    cdef list _promised
    cdef list _to_wake
    cdef bint _is_matching
    cdef bint _has_news

    @cython.locals(wait=LaneReceive)
    cdef Awaitable receive(self, type kind, bint is_step, object timeout, Py_ssize_t limit)
    @cython.locals(arrived=list, text=list, binary=list, is_text=bint)
    cdef admit(self, Py_ssize_t before)
    cdef Py_ssize_t count(self) noexcept
    @cython.locals(receive=LaneReceive)
    cpdef pending(self)
    cdef bint has_messages(self) noexcept
    cpdef list waiting(self)
    cdef bint has_waiters(self) noexcept
    @cython.locals(receive=LaneReceive, waiter=Waiter)
    cdef Waiter first_waiter(self, int opcode)
    cdef leave_line(self, Receive receive)
    @cython.locals(lane=Lane, receive=LaneReceive, held=Entry, is_older=bint)
    cdef give_back(self, Entry entry)
    cdef put_back(self, Message message)
    @cython.locals(lane=Lane)
    cdef peek(self)
    @cython.locals(entry=Entry)
    cdef Message take_now(self)
    @cython.locals(lane=Lane, entry=Entry)
    cdef Entry take(self, object kind)
    @cython.locals(lane=Lane, entry=Entry)
    cdef Entry take_in_turn(self, object kind)
    @cython.locals(receive=LaneReceive, entry=Entry, waiter=Waiter, is_waiting=bint)
    cdef bint _is_turn_of(self, object kind, Lane lane) except -1
    @cython.locals(entry=Entry)
    cdef Entry fulfil(self, LaneReceive receive)
    cdef object decoded_of(self, Entry entry, object decode)
    @cython.locals(entries=list, another=Entry)
    cdef list take_more(self, Entry entry, Py_ssize_t limit)
    @cython.locals(text=Lane, binary=Lane)
    cdef Lane _lane_for(self, object kind)
    cdef wake(self)
    @cython.locals(waiter=Waiter, entry=Entry)
    cdef _serve(self, LaneReceive receive)
    @cython.locals(receive=LaneReceive, waiter=Waiter)
    cdef _wake_served(self)


cdef class LaneBounds(Bounds):
    cdef Bounds _text
    cdef Bounds _binary

    cdef object apply(self, bint is_ending)
    cdef discard(self)
    cdef finish(self)
