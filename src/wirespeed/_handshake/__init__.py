"""The opening handshake (RFC 6455 section 4): URL, request, response and its checks.

Does no I/O.
"""
