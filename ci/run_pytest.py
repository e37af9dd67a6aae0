"""Runs pytest as `python -m pytest` does, with Ctrl-C switched on.

A background job of a shell ignores SIGINT. Without this, every program that a test starts and
interrupts would ignore it too.
"""

from __future__ import annotations

import signal
import sys

import pytest

signal.signal(signal.SIGINT, signal.default_int_handler)
sys.exit(pytest.main())
