cimport cython

from wirespeed._channel_c.receive.inbox cimport Inbox, Receive


cdef class ReceiveMessage(Receive):
    cdef object _take(self, Inbox inbox)


cdef class ReceiveText(Receive):
    cdef object _take(self, Inbox inbox)


cdef class ReceiveBytes(Receive):
    cdef object _take(self, Inbox inbox)


cdef class ReceiveJson(Receive):
    cdef object _take(self, Inbox inbox)


cdef class ReceiveProtocol(Receive):
    cdef object _take(self, Inbox inbox)


cdef class ReceiveMany(Receive):
    cdef object _take(self, Inbox inbox)


@cython.final
cdef class Messages:
    cdef Inbox _inbox


@cython.final
cdef class Batches:
    cdef Inbox _inbox
    cdef Py_ssize_t _max_messages


@cython.final
cdef class Values:
    cdef Inbox _inbox
    cdef object _decode
