"""Bytes to messages and messages to bytes: parser, frame builder, compression.

Does no I/O. `backend` chooses between the compiled core and its twin in Python.
"""
