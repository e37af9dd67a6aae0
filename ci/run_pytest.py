"""Runs pytest as `python -m pytest` does, with Ctrl-C switched on.

Knows nothing of the tests. A background job of a shell ignores SIGINT, and so would every program
that a test starts and interrupts.
"""

from __future__ import annotations

import signal
import sys

import pytest

signal.signal(signal.SIGINT, signal.default_int_handler)
sys.exit(pytest.main())
