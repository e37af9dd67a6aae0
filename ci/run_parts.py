"""Runs tests that need few packages, without `conftest.py` and without uvloop.

For interpreters that most packages of the extra `test` have no wheels for.
"""

from __future__ import annotations

import asyncio
import sys
import types
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
OPTIONS = ["-q", "--noconftest", "-p", "no:cacheprovider", "--import-mode=importlib"]

# tests/looprunner.py wants uvloop.
stand_in = types.ModuleType("looprunner")
stand_in.__dict__["LOOP_FACTORIES"] = {"asyncio": asyncio.new_event_loop}
sys.modules["looprunner"] = stand_in
sys.path.insert(0, str(ROOT / "tests"))

had_gil = getattr(sys, "_is_gil_enabled", bool)()
status = pytest.main([*OPTIONS, "-c", "/dev/null", f"--rootdir={ROOT}", *sys.argv[1:]])
if getattr(sys, "_is_gil_enabled", bool)() != had_gil:
    sys.exit("a package has switched the GIL on")
sys.exit(status)
