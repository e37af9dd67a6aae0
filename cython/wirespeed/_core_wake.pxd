cpdef void set_stop_iteration(object value) noexcept
cpdef unsigned long thread_id() noexcept
cpdef bint call_in_context(object context, object callback, object argument) except -1
