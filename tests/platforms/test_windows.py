"""The package works on event loops like those of Windows; `windows.py` imitates them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import wirespeed

PROGRAM = Path(__file__).with_name("windows.py")
LIMIT_SECONDS = 120
SHARED_BYTES, PRIVATE_BYTES = 256 * 1024, 64 * 1024


def exchange_on(loop: str) -> dict[str, Any]:
    """Run the program on a loop of this name, and return what it saw."""
    done = subprocess.run(
        [sys.executable, "-W", "error", str(PROGRAM), loop],
        capture_output=True,
        text=True,
        check=False,
        timeout=LIMIT_SECONDS,
    )
    assert (done.returncode, done.stderr) == (0, "")
    seen: dict[str, Any] = json.loads(done.stdout)
    assert seen.pop("implementation") == wirespeed.implementation
    assert "no unix sockets" in seen.pop("unix_path")
    return seen


def test_a_loop_that_watches_no_descriptors_uses_transports_of_asyncio() -> None:
    assert exchange_on("proactor") == {
        "plain": [
            "asyncio.selector_events._SelectorSocketTransport",
            SHARED_BYTES,
            "ConnectionDisconnected",
        ],
        "encrypted": [
            "asyncio.sslproto._SSLProtocolTransport",
            SHARED_BYTES,
            "ConnectionDisconnected",
        ],
    }


def test_a_transport_that_hides_its_descriptor() -> None:
    assert exchange_on("opaque") == {
        "plain": ["__main__.OpaqueTransport", SHARED_BYTES, "ConnectionDisconnected"],
        "encrypted": [
            "asyncio.sslproto._SSLProtocolTransport",
            SHARED_BYTES,
            "ConnectionDisconnected",
        ],
    }


@pytest.mark.skipif(sys.platform == "win32", reason="uvloop stands in for winloop")
def test_a_loop_of_libuv_reads_into_private_buffers() -> None:
    assert exchange_on("winloop") == {
        "plain": ["uvloop.loop.TCPTransport", PRIVATE_BYTES, "ConnectionDisconnected"],
        "encrypted": ["uvloop.loop._SSLProtocolTransport", PRIVATE_BYTES, "ConnectionDisconnected"],
    }
