"""A pytest plugin for aiohttp's own tests, loaded by `aiohttp.py`.

With `PEER_CLIENT=original` it notes which tests reach inside aiohttp's client: they cannot say
anything about another one. With `PEER_CLIENT=face` it puts the face in the client's place. The
server stays aiohttp's own. `PEER_REPORT` is the file for the results.
"""

from __future__ import annotations

import inspect
import json
import os
import re
import sys
from pathlib import Path
from typing import Any

import aiohttp
import aiohttp.client
import aiohttp.client_ws
import aiohttp.test_utils
import pytest

FACE = os.environ["PEER_CLIENT"] == "face"
CLIENT = ("ClientSession", "ClientWebSocketResponse")
# Tests that replace or make parts of the client by these names.
INSIDE = re.compile(
    r"""["']aiohttp\.client|ResponseHandler|WebSocketDataQueue|ClientWebSocketResponse\("""
)

_results: dict[str, str] = {}
_reaching: set[str] = set()
# The test that runs.
_current = [""]


def pytest_configure() -> None:
    """Put the face in place, or the watch on the original."""
    if not FACE:
        for name in CLIENT:
            _watch(getattr(aiohttp, name))
        return
    from wirespeed.compat import aiohttp as face

    for name in CLIENT:
        for module in (aiohttp, aiohttp.client, aiohttp.client_ws, aiohttp.test_utils):
            if hasattr(module, name):
                setattr(module, name, getattr(face, name))


def _watch(kind: Any) -> None:
    """Note each test that uses an attribute of `kind` with a leading underscore."""

    def noted(self: Any, name: str) -> Any:
        if name.startswith("_") and not name.startswith("__"):
            caller = Path(sys._getframe(1).f_code.co_filename)
            if caller.name.startswith("test_") and caller.parent.name == "tests":
                _reaching.add(_current[0])
        return object.__getattribute__(self, name)

    kind.__getattribute__ = noted


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Remember which test runs, and read whether it names what is inside."""
    _current[0] = item.nodeid
    if INSIDE.search(inspect.getsource(item.obj)):  # type: ignore[attr-defined]
        _reaching.add(_current[0])


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Note the worst outcome of the phases of a test."""
    is_new = report.when == "call" or report.outcome != "passed"
    if is_new and _results.get(report.nodeid) != "failed":
        _results[report.nodeid] = report.outcome


def pytest_sessionfinish() -> None:
    """Write the report."""
    report = {"results": _results, "reaching": sorted(_reaching)}
    Path(os.environ["PEER_REPORT"]).write_text(json.dumps(report), encoding="utf-8")
