cdef Py_ssize_t MAX_DECODERS
cdef object STAYS_QUEUED
cdef dict _DECODERS
cdef object _MAKING

cpdef object decoded(object decode, object data)
cpdef note_queued(object exc)
cpdef object decoder_of(object loads, object type, object default)
cdef object _remember_decoder(object type)
