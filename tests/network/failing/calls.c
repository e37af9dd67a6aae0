/* Lets one system call of an internet socket fail, in the thread that asks for it.

   Load it with LD_PRELOAD. `fail_once` names the call and the errno; `has_failed` tells whether
   that call was made since. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

static __thread char wanted[32];
static __thread int wanted_errno;
static __thread int failed;

void fail_once(const char *call, int number) {
    strncpy(wanted, call, sizeof wanted - 1);
    wanted_errno = number;
    failed = 0;
}

int has_failed(void) { return failed; }

/* Functions and data do not convert in ISO C. */
#define REAL(name) \
    static __typeof__(name) *real; \
    if (!real) { \
        void *found = dlsym(RTLD_NEXT, #name); \
        memcpy(&real, &found, sizeof real); \
    }

static int is_internet(int fd) {
    struct sockaddr_storage address;
    socklen_t size = sizeof address;
    int saved = errno, done;
    static __typeof__(getsockname) *real_getsockname;
    if (!real_getsockname) {
        void *found = dlsym(RTLD_NEXT, "getsockname");
        memcpy(&real_getsockname, &found, sizeof real_getsockname);
    }
    done = real_getsockname(fd, (struct sockaddr *)&address, &size);
    errno = saved;
    return done == 0 && address.ss_family == AF_INET;
}

/* Returns whether the call fails now; it does so once. */
static int fails(const char *call) {
    if (strcmp(wanted, call) != 0) {
        return 0;
    }
    wanted[0] = 0;
    failed = 1;
    errno = wanted_errno;
    return 1;
}

#define FAIL_OR(name, call, fd, arguments) \
    REAL(name) \
    if (wanted[0] && is_internet(fd) && fails(call)) { \
        return -1; \
    } \
    return real arguments;

int socket(int family, int type, int protocol) {
    REAL(socket)
    if (family == AF_INET && fails("socket")) {
        return -1;
    }
    return real(family, type, protocol);
}

int connect(int fd, const struct sockaddr *address, socklen_t size) {
    REAL(connect)
    if (wanted[0] && is_internet(fd) && fails("connect")) {
        /* An interrupted connect goes on in the background. */
        if (wanted_errno == EINTR) {
            real(fd, address, size);
            errno = EINTR;
        }
        return -1;
    }
    return real(fd, address, size);
}

int getsockopt(int fd, int level, int option, void *value, socklen_t *size) {
    REAL(getsockopt)
    if (wanted[0] && level == SOL_SOCKET && option == SO_ERROR && is_internet(fd) &&
        fails("SO_ERROR")) {
        memcpy(value, &wanted_errno, sizeof wanted_errno);
        return 0;
    }
    return real(fd, level, option, value, size);
}

int ioctl(int fd, unsigned long request, ...) {
    va_list rest;
    void *argument;
    va_start(rest, request);
    argument = va_arg(rest, void *);
    va_end(rest);
    FAIL_OR(ioctl, "ioctl", fd, (fd, request, argument))
}

int close(int fd) {
    REAL(close)
    int is_ours = wanted[0] && is_internet(fd);
    int done = real(fd);
    /* The descriptor is gone on Linux, whatever the call returns. */
    return is_ours && fails("close") ? -1 : done;
}

int setsockopt(int fd, int level, int option, const void *value, socklen_t size) {
    FAIL_OR(setsockopt, "setsockopt", fd, (fd, level, option, value, size))
}

int getpeername(int fd, struct sockaddr *address, socklen_t *size) {
    FAIL_OR(getpeername, "getpeername", fd, (fd, address, size))
}

int getsockname(int fd, struct sockaddr *address, socklen_t *size) {
    FAIL_OR(getsockname, "getsockname", fd, (fd, address, size))
}

int shutdown(int fd, int how) { FAIL_OR(shutdown, "shutdown", fd, (fd, how)) }

int epoll_ctl(int epoll, int operation, int fd, struct epoll_event *event) {
    REAL(epoll_ctl)
    if (wanted[0] && operation != EPOLL_CTL_DEL && is_internet(fd) && fails("epoll_ctl")) {
        return -1;
    }
    return real(epoll, operation, fd, event);
}

ssize_t recv(int fd, void *data, size_t size, int flags) {
    FAIL_OR(recv, "recv", fd, (fd, data, size, flags))
}

ssize_t read(int fd, void *data, size_t size) { FAIL_OR(read, "recv", fd, (fd, data, size)) }

ssize_t recvmsg(int fd, struct msghdr *message, int flags) {
    FAIL_OR(recvmsg, "recv", fd, (fd, message, flags))
}

ssize_t send(int fd, const void *data, size_t size, int flags) {
    FAIL_OR(send, "send", fd, (fd, data, size, flags))
}

ssize_t write(int fd, const void *data, size_t size) {
    FAIL_OR(write, "send", fd, (fd, data, size))
}

ssize_t writev(int fd, const struct iovec *pieces, int count) {
    FAIL_OR(writev, "send", fd, (fd, pieces, count))
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags) {
    FAIL_OR(sendmsg, "send", fd, (fd, message, flags))
}
