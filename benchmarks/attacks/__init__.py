"""What the dearest streams that a server can send cost; `make attacks`.

Not a test: it measures processor time, and how long one turn of the event loop takes.
"""
