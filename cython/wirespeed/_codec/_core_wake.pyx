"""The means for compiled awaitables to return values and to resume tasks.

Its twin is `wirespeed._codec.pure.wake`.
"""

from cpython.ref cimport PyObject

cdef extern from "Python.h":
    unsigned long PyThread_get_thread_ident() noexcept nogil
    void PyErr_SetObject(object, object)
    int PyContext_Enter(object) except -1
    int PyContext_Exit(object) except -1
    object PyObject_Call(object callback, object arguments, PyObject *named)

cdef extern from *:
    """
    #if defined(_MSC_VER)
    #define WS_THREAD_LOCAL __declspec(thread)
    #else
    #define WS_THREAD_LOCAL __thread
    #endif

    /* The awaitable whose `__next__` ws_send is calling, and the result that it has stored. */
    static WS_THREAD_LOCAL PyObject *ws_asked = NULL;
    static WS_THREAD_LOCAL PyObject *ws_result = NULL;

    /* Stores the result of an awaitable and returns 1 if ws_send is calling it, else returns 0. */
    static inline int ws_note_result(PyObject *awaitable, PyObject *value) {
        if (awaitable != ws_asked)
            return 0;
        Py_INCREF(value);
        ws_result = value;
        return 1;
    }

    /* The slot `am_send` of a type whose `__next__` may end with ws_note_result and NULL. */
    static PySendResult ws_send(PyObject *self, PyObject *value, PyObject **result) {
        /* Code called by `__next__` may send to other awaitables. */
        PyObject *asked = ws_asked;
        (void)value;
        ws_asked = self;
        *result = Py_TYPE(self)->tp_iternext(self);
        ws_asked = asked;
        if (*result != NULL)
            return PYGEN_NEXT;
        if (ws_result != NULL) {
            *result = ws_result;
            ws_result = NULL;
            return PYGEN_RETURN;
        }
        if (PyErr_Occurred())
            return PYGEN_ERROR;
        Py_INCREF(Py_None);
        *result = Py_None;
        return PYGEN_RETURN;
    }

    /* The owner and the local variable have one reference each; an argument is borrowed. */
    #if defined(Py_GIL_DISABLED)
    #define ws_is_held(owned) 1  /* Without the GIL the reference count is not reliable. */
    #else
    #define ws_is_held(owned) (Py_REFCNT(owned) > 2)
    #endif

    #if PY_VERSION_HEX >= 0x030D0000
    static inline double ws_monotonic(void) {
        PyTime_t now;
        return PyTime_MonotonicRaw(&now) == 0 ? (double)now / 1e9 : 0.0;
    }
    #else
    static inline double ws_monotonic(void) {
        return (double)_PyTime_GetMonotonicClock() / 1e9;
    }
    #endif

    /* A new reference to the referent of a weak reference; to None if there is none. */
    static inline PyObject *ws_referent(PyObject *reference) {
        if (!PyWeakref_Check(reference))
            return Py_NewRef(Py_None);
    #if PY_VERSION_HEX >= 0x030D0000
        PyObject *found = NULL;
        if (PyWeakref_GetRef(reference, &found) < 0)
            return NULL;
        return found != NULL ? found : Py_NewRef(Py_None);
    #else
        return Py_NewRef(PyWeakref_GET_OBJECT(reference));
    #endif
    }

    static void ws_use_send_slot(PyTypeObject *type) {
        type->tp_as_async->am_send = ws_send;
    }
    """
    bint ws_note_result(object awaitable, object value) noexcept
    bint ws_is_held(object owned) noexcept
    void ws_use_send_slot(type awaitable_type) noexcept
    double ws_monotonic() noexcept
    object ws_referent(object reference)


cdef object StopIterationType = StopIteration


cpdef unsigned long thread_id() noexcept:
    """Return `threading.get_ident()`."""
    return PyThread_get_thread_ident()


cpdef double monotonic() noexcept:
    """Return `time.monotonic()`, for half the cost of calling it."""
    return ws_monotonic()


cpdef object referent(object reference):
    """Return the referent of a `weakref.ref`, for a tenth of the cost of calling it."""
    return ws_referent(reference)


cpdef void set_result(object awaitable, object value) noexcept:
    """Set the value that an awaitable returns from its `__next__`; for C callers only.

    When Cython raises, it builds a traceback, which costs more than the whole rest of a receive
    (135 ns of 230). A `__next__` that calls this and then raises a bare `StopIteration` returns
    NULL. If `ws_send` called it, no exception is set at all (44 ns less of 200). For all other
    callers this function sets the exception.
    """
    if ws_note_result(awaitable, value):
        return
    if isinstance(value, (tuple, BaseException)):
        # PyErr_SetObject would take these as the arguments, or as the exception itself.
        value = StopIterationType(value)
    PyErr_SetObject(StopIterationType, value)


def stop_with(object awaitable, object value):
    """Raise `StopIteration(value)`; see `contract.StopWith`."""
    raise StopIterationType(value)


cpdef use_send_slot(type awaitable_type):
    """Let `await` skip `StopIteration`; see `contract.UseSendSlot`."""
    ws_use_send_slot(awaitable_type)


cpdef bint is_held(object owned) noexcept:
    """Return whether other code may hold an object; see `contract.IsHeld`."""
    return ws_is_held(owned)


cpdef bint call_in_context(object context, object callback, object argument) except -1:
    """Call `callback` inside a context; see `contract.CallInContext`."""
    cdef tuple arguments
    try:
        # What can fail comes before the call: inside it, nothing can be undone any more.
        arguments = (argument,)
        PyContext_Enter(context)
    except (RuntimeError, MemoryError):
        return False
    try:
        PyObject_Call(callback, arguments, NULL)
    finally:
        PyContext_Exit(context)
    return True
