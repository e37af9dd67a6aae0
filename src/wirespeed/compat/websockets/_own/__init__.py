"""The small types of `websockets`, for programs that run without it."""
