"""How the compiled awaitables return their values and resume their tasks.

Knows nothing of what is waited for. Its twin is in `wirespeed._purepython`.
"""

cdef extern from "Python.h":
    unsigned long PyThread_get_thread_ident() noexcept nogil
    void PyErr_SetObject(object, object)
    int PyContext_Enter(object) except -1
    int PyContext_Exit(object) except -1


cdef object StopIterationType = StopIteration


cpdef unsigned long thread_id() noexcept:
    """Return `threading.get_ident()`."""
    return PyThread_get_thread_ident()


cpdef void set_stop_iteration(object value) noexcept:
    """Set `StopIteration(value)` as the current exception, for C callers only.

    Cython's way of raising builds a traceback; that alone costs more than the
    whole rest of a receive (135 ns of 230). A `__next__` that calls this
    and then raises a bare `StopIteration` returns NULL with the exception as set here.
    """
    if isinstance(value, (tuple, BaseException)):
        # PyErr_SetObject would take these for the arguments, or for the exception itself.
        value = StopIterationType(value)
    PyErr_SetObject(StopIterationType, value)


def stop_with(object value):
    """Raise `StopIteration(value)`; see `wirespeed._codec.StopWith`."""
    raise StopIterationType(value)


cpdef bint call_in_context(object context, object callback, object argument) except -1:
    """Call back inside a context; see `wirespeed._codec.CallInContext`."""
    try:
        PyContext_Enter(context)
    except RuntimeError:
        return False
    try:
        callback(argument)
    finally:
        PyContext_Exit(context)
    return True
