"""Descriptors that become readable at a set time (`timerfd_create(2)`), from Python 3.13 on.

Its compiled twin is `wirespeed._codec._core_socket`.
"""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING

from .. import contract

# A time of 0 would unset the timer.
_SOONEST_SECONDS = 1e-9


def open_timer() -> int:
    """Open a descriptor; see `wirespeed._codec.contract.OpenTimer`."""
    if sys.platform != "linux" or sys.version_info < (3, 13):
        return -1
    try:
        return os.timerfd_create(time.CLOCK_MONOTONIC, flags=os.TFD_NONBLOCK | os.TFD_CLOEXEC)
    except OSError:
        return -1


def set_timer(fd: int, when: float) -> None:
    """Set the time of a descriptor; see `wirespeed._codec.contract.SetTimer`."""
    if sys.platform == "linux" and sys.version_info >= (3, 13):
        os.timerfd_settime(fd, flags=os.TFD_TIMER_ABSTIME, initial=max(when, _SOONEST_SECONDS))


if TYPE_CHECKING:
    _open_function: contract.OpenTimer = open_timer
    _set_function: contract.SetTimer = set_timer
