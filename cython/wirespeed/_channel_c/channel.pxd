cimport cython

from wirespeed._core cimport MessageParser
from wirespeed._channel_c.bounds cimport Bounds, Drops, bound
from wirespeed._channel_c.inbox cimport (
    Batches,
    Inbox,
    Messages,
    ReceiveBytes,
    ReceiveJson,
    ReceiveMany,
    ReceiveMessage,
    ReceiveText,
)
from wirespeed._channel_c.lanes cimport LaneBounds, LaneInbox
from wirespeed._channel_c.message cimport Message
from wirespeed._channel_c.reading cimport Reading
from wirespeed._channel_c.sending cimport Sender
from wirespeed._channel_c.stream_receiving cimport MessageStream
from wirespeed._channel_c.unfinished cimport Unfinished


cdef class Channel(Sender):
    cdef object __weakref__
    cdef readonly MessageParser _parser
    cdef readonly Reading _reading
    cdef Drops _drops
    cdef Bounds _bounds
    cdef Unfinished _unfinished
    cdef Py_ssize_t _max_waiting
    cdef Py_ssize_t _max_assembled
    cdef readonly object _transport
    cdef object _write_buffer_size
    cdef public object _on_ping
    cdef public bint _reading_over
    cdef public bint _discarding
    cdef bint _is_ending
    cdef object _ending_fault
    cdef readonly Py_ssize_t _received
    cdef public object _on_messages
    cdef public object _link

    @cython.locals(before=Py_ssize_t)
    cdef _read(self, object data, Py_ssize_t size)
    @cython.locals(before=Py_ssize_t)
    cdef _read_in_place(self, Py_ssize_t size)
    @cython.locals(parser=MessageParser, inbox=Inbox, added=Py_ssize_t)
    cdef _after_read(self, Py_ssize_t before, object fault)
    @cython.locals(unfinished=Unfinished)
    cdef _wake(self)
    @cython.locals(unfinished=Unfinished)
    cdef Unfinished _own_unfinished(self)
    cpdef Py_ssize_t _heard(self) noexcept
    cdef _take_controls(self)
    cdef _bound_queue(self)
    cpdef _read_to_the_end(self)
    cdef _use_compression(self, object agreed)
    cpdef _on_open(self, object transport)
