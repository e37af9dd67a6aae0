"""The system calls of a non-blocking socket, through the socket object.

Its compiled twin is `wirespeed._codec._core_socket`.
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, Any

from .. import contract

if TYPE_CHECKING:
    from typing_extensions import Buffer

_NOT_READY = -1


def receive_into(sock: Any, fd: int, memory: Buffer) -> int:
    """Read into `memory`; see `wirespeed._codec.contract.ReceiveInto`."""
    try:
        size: int = sock.recv_into(memory)
    except (BlockingIOError, InterruptedError):
        return _NOT_READY
    return size


def send_some(sock: Any, fd: int, data: Buffer) -> int:
    """Write some of `data`; see `wirespeed._codec.contract.SendSome`."""
    try:
        size: int = sock.send(data)
    except (BlockingIOError, InterruptedError):
        return _NOT_READY
    except OSError as exc:
        if exc.errno == errno.ENOBUFS:
            return _NOT_READY
        raise
    return size


if TYPE_CHECKING:
    _receive_function: contract.ReceiveInto = receive_into
    _send_function: contract.SendSome = send_some
