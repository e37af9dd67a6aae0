cimport cython

from wirespeed._codec._core cimport MessageParser
from wirespeed._channel_c.receive.decoding cimport decoder_of
from wirespeed._channel_c.receive.inbox cimport Inbox
from wirespeed._channel_c.receive.lanes cimport LaneBounds, LaneInbox
from wirespeed._channel_c.receive.message cimport Message
from wirespeed._channel_c.receive.message_stream cimport MessageStream
from wirespeed._channel_c.receive.overflow cimport Bounds, Drops, bound
from wirespeed._channel_c.receive.partial_message cimport PartialMessage
from wirespeed._channel_c.receive.read_flow cimport ReadFlow
from wirespeed._channel_c.receive.receives cimport (
    Batches,
    Messages,
    ReceiveBytes,
    ReceiveJson,
    ReceiveMany,
    ReceiveMessage,
    ReceiveProtocol,
    ReceiveText,
    Values,
)
from wirespeed._channel_c.send.sender cimport Sender
from wirespeed._channel_c.turn cimport Turn


cdef class Receiver(Sender):
    cdef readonly MessageParser _parser
    cdef readonly ReadFlow _read_flow
    cdef Drops _drops
    cdef Bounds _bounds
    cdef PartialMessage _partial
    cdef Py_ssize_t _max_waiting
    cdef Py_ssize_t _max_assembled
    cdef readonly Inbox _inbox
    cdef public object _protocol

    @cython.locals(partial=PartialMessage)
    cdef PartialMessage _own_partial(self)
