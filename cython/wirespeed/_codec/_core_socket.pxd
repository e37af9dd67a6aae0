cpdef Py_ssize_t receive_into(object sock, int fd, object memory) except -2
cpdef Py_ssize_t send_some(object sock, int fd, object data) except -2
