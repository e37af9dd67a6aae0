"""Bytes to messages and messages to bytes: parser, frame builder, compression.

It also has the socket calls and the means to resume tasks that exist in a compiled and a pure
version. `backend` chooses between the compiled core and its twin in pure Python.
"""
