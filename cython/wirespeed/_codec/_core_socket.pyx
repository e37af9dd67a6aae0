"""The system calls of a non-blocking socket, made directly instead of by the socket object.

Also those of a descriptor that becomes readable at a set time (`timerfd_create(2)`). Its twins are
`wirespeed._codec.pure.socket_calls` and `timer_calls`.
"""

from cpython.buffer cimport (
    PyBUF_SIMPLE,
    PyBUF_WRITABLE,
    PyBuffer_Release,
    PyObject_GetBuffer,
)
from cpython.exc cimport PyErr_SetFromErrno
from libc.errno cimport EAGAIN, EINTR, ENOBUFS, errno

cdef extern from *:
    """
    #if defined(_WIN32)
    /* Not used on Windows: a socket is no file descriptor, and errno is not its error. */
    #include <errno.h>
    static Py_ssize_t ws_recv(int fd, void *buffer, size_t size) {
        (void)fd; (void)buffer; (void)size; errno = ENOSYS; return -1;
    }
    static Py_ssize_t ws_send(int fd, const void *data, size_t size) {
        (void)fd; (void)data; (void)size; errno = ENOSYS; return -1;
    }
    #else
    #include <sys/socket.h>
    #if !defined(MSG_NOSIGNAL)
    #define MSG_NOSIGNAL 0  /* macOS; Python ignores SIGPIPE anyway. */
    #endif
    #define ws_recv(fd, buffer, size) recv(fd, buffer, size, 0)
    #define ws_send(fd, data, size) send(fd, data, size, MSG_NOSIGNAL)
    #endif
    """
    Py_ssize_t ws_recv(int fd, void *buffer, size_t size) nogil
    Py_ssize_t ws_send(int fd, const void *data, size_t size) nogil

cdef extern from *:
    """
    #if defined(__linux__)
    #include <sys/timerfd.h>
    static int ws_open_timer(void) {
        return timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    }
    static void ws_set_timer(int fd, double when) {
        struct itimerspec time = {{0, 0}, {0, 1}};
        if (when >= 1e12)
            when = 1e12;
        if (when > 0) {
            time.it_value.tv_sec = (time_t)when;
            time.it_value.tv_nsec = (long)((when - (double)(time_t)when) * 1e9);
        }
        if (time.it_value.tv_sec == 0 && time.it_value.tv_nsec == 0)
            time.it_value.tv_nsec = 1;  /* 0 would unset the timer. */
        timerfd_settime(fd, TFD_TIMER_ABSTIME, &time, NULL);
    }
    #else
    static int ws_open_timer(void) { return -1; }
    static void ws_set_timer(int fd, double when) { (void)fd; (void)when; }
    #endif
    """
    int ws_open_timer()
    void ws_set_timer(int fd, double when)

# Sending more than this is long enough for another thread to run meanwhile. A shorter call would
# only lose time: the other thread keeps the interpreter for up to 5 ms.
cdef Py_ssize_t LONG_SEND_BYTES = 64 * 1024

cpdef Py_ssize_t receive_into(object sock, int fd, object memory) except -2:
    """Read into `memory`; see `contract.ReceiveInto`."""
    cdef Py_buffer view
    cdef Py_ssize_t size
    PyObject_GetBuffer(memory, &view, PyBUF_WRITABLE)
    try:
        # It never blocks. Without the GIL it would take longer: see `LONG_SEND_BYTES`.
        size = ws_recv(fd, view.buf, view.len)
        return checked(size)
    finally:
        PyBuffer_Release(&view)


cpdef Py_ssize_t send_some(object sock, int fd, object data) except -2:
    """Write some of `data`; see `contract.SendSome`."""
    cdef Py_buffer view
    cdef Py_ssize_t size
    PyObject_GetBuffer(data, &view, PyBUF_SIMPLE)
    try:
        if view.len <= LONG_SEND_BYTES:
            size = ws_send(fd, view.buf, view.len)
        else:
            with nogil:
                size = ws_send(fd, view.buf, view.len)
        if size < 0 and errno == ENOBUFS:
            return -1
        return checked(size)
    finally:
        PyBuffer_Release(&view)


cdef Py_ssize_t checked(Py_ssize_t size) except -2:
    """Return -1 if the socket is not ready, and raise any other error."""
    if size >= 0 or errno == EAGAIN or errno == EINTR:
        return size
    PyErr_SetFromErrno(OSError)
    return -2


def open_timer():
    """Open a descriptor; see `contract.OpenTimer`."""
    return ws_open_timer()


def set_timer(int fd, double when):
    """Set the time of a descriptor; see `contract.SetTimer`."""
    ws_set_timer(fd, when)
