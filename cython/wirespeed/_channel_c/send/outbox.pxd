cimport cython

from wirespeed._codec._core_builder cimport FrameBuilder
from wirespeed._codec._core_wake cimport monotonic
from wirespeed._channel_c.send.held_sends cimport HeldSends
from wirespeed._channel_c.turn cimport Turn
from wirespeed._channel_c.waiter cimport Awaitable, Waiter, begin, suspend

cdef Py_ssize_t FLUSH_BYTES
cdef Py_ssize_t LARGE_BYTES


cdef bint _is_large(object payload)


cdef class Settled(Awaitable):
    pass


cdef class Draining(Awaitable):
    @cython.locals(outbox=Outbox)
    cdef _take_turn(self)
    @cython.locals(outbox=Outbox)
    cdef bint _must_wait(self) except -1
    @cython.locals(outbox=Outbox)
    cpdef _forget(self)


cdef class Behind(Draining):
    @cython.locals(outbox=Outbox, held=HeldSends)
    cdef bint _must_wait(self) except -1
    @cython.locals(outbox=Outbox)
    cpdef _forget(self)


@cython.final
cdef class Outbox:
    cdef object _loop
    cdef object _closing
    cdef readonly FrameBuilder _builder
    cdef Turn _turn
    cdef object _deflater
    cdef HeldSends _held_sends
    cdef bint _is_plain
    cdef object _write
    cdef object _refusal
    cdef bint _is_detached
    cdef readonly list _waiters
    cdef public object _owner
    cdef bint _paused
    cdef bint _writing
    cdef bint _tick_is_open
    cdef bint _in_batch
    cdef bint _in_wake
    cdef bint _wrote_in_wake
    cdef Py_ssize_t _turn_bytes
    cdef readonly Py_ssize_t _writes
    cdef readonly long long _written_bytes
    cdef readonly double _wrote_at
    cdef readonly Py_ssize_t _pings
    cdef readonly Py_ssize_t _pongs
    cdef Py_ssize_t _closes
    cdef Py_ssize_t _continuations
    cdef Awaitable _settled

    @cython.locals(
        before=Py_ssize_t, gathered=Py_ssize_t, frame=bytes, builder=FrameBuilder
    )
    cpdef Awaitable send(self, int opcode, object payload, bint fin, bint more)
    cpdef Awaitable send_control(self, int opcode, bytes payload, bint more)
    cpdef Py_ssize_t messages(self) except? -1
    cpdef Awaitable send_message(self, int opcode, object payload, object compress, bint more)
    cpdef Awaitable send_fragments(self, int opcode, list payloads, object compress)
    cdef Awaitable _compress_and_send(
        self, int opcode, object payload, object compress, bint more
    )
    cdef Awaitable _compress_and_send_fragments(self, int opcode, list payloads, object compress)
    @cython.locals(wait=Awaitable)
    cpdef Awaitable send_fragment(self, int opcode, object payload, bint fin, bint more)
    cdef HeldSends _line(self)
    cpdef bint stand_in_line(self, object stream) except -1
    @cython.locals(line=HeldSends)
    cpdef Awaitable behind(self)
    cpdef begin_stream(self, object first, object compress)
    @cython.locals(line=HeldSends)
    cpdef end_stream(self, object stream)
    cpdef leave_line(self, object stream)
    cpdef bint is_holding(self) noexcept
    cdef Awaitable _hold(self, int opcode, object payload, object compress, Py_ssize_t size)
    cpdef compress_with(self, object deflater)
    cpdef Awaitable settled(self)
    cdef _leave_or_gather(self, Py_ssize_t gathered, bint more)
    cdef _open_tick(self)
    cdef Awaitable _wait_or_yield(self)
    cpdef begin_wake(self)
    cpdef end_wake(self)
    cpdef begin_batch(self)
    @cython.locals(gathered=Py_ssize_t)
    cpdef end_batch(self)
    cpdef flush(self)
    cpdef Awaitable drained(self)
    cpdef attach(self, object write)
    cpdef refuse(self, object refusal)
    cpdef bint refuses_sends(self) noexcept
    cpdef check_open(self)
    cpdef detach(self)
    cpdef pause_writing(self)
    cpdef resume_writing(self)
    cdef _flush_or_abort(self)
    cdef _write_block(self, bytes block)
    @cython.locals(held=Py_ssize_t)
    cpdef Py_ssize_t gathered(self) except -1
    cpdef bint is_paused(self) noexcept
    cdef Waiter _add_waiter(self)
    cdef _remove_waiter(self, Waiter waiter)
    @cython.locals(waiter=Waiter)
    cpdef wake_senders(self)
    cdef _raise_if_lost(self)
