cpdef void set_result(object awaitable, object value) noexcept
cpdef use_send_slot(type awaitable_type)
cpdef bint is_held(object owned) noexcept
cpdef unsigned long thread_id() noexcept
cpdef double monotonic() noexcept
cpdef object referent(object reference)
cpdef bint call_in_context(object context, object callback, object argument) except -1
