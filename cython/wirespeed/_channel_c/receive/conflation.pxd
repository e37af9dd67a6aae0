cimport cython

from wirespeed._channel_c.receive.inbox cimport Inbox
from wirespeed._channel_c.waiter cimport raise_later


@cython.final
cdef class Conflation:
    cdef Inbox _inbox
    cdef object _key_of
    cdef object _keys
    cdef Py_ssize_t _first
    cdef dict _numbers
    cdef bint _is_finding_keys
    cdef bint _is_stale

    @cython.locals(
        inbox=Inbox, count=Py_ssize_t, room=Py_ssize_t, keys=list, replaced=list, entries=list,
        index=Py_ssize_t,
    )
    cdef list merge(self, Py_ssize_t fresh)
    cdef list _find_keys(self, list entries)
    cdef forget_last(self, Py_ssize_t count)
    cdef _forget_first(self, Py_ssize_t count)
    cdef _forget(self, object key, Py_ssize_t number)
    cdef _append(self, object key, object entry)
    @cython.locals(inbox=Inbox)
    cdef object _key(self, object entry)
