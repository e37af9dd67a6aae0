"""Every method of the channel's parts that plain Python calls exists in the channel in use.

A method that a `.pxd` declares with `cdef` exists only in C. Calling it from Python raises
AttributeError, but only with the compiled core.
"""

from __future__ import annotations

import pkgutil
import re
from pathlib import Path

import pytest

import wirespeed
from wirespeed._codec import backend

PARTS = {
    "_inbox": ["receive.inbox.Inbox", "receive.lanes.LaneInbox"],
    "_outbox": ["send.outbox.Outbox"],
    "_read_flow": ["receive.read_flow.ReadFlow"],
}
PACKAGE = Path(wirespeed.__file__).parent
# The channel's own source is left out: it is compiled, and may call C functions.
SOURCES = sorted(
    path for path in PACKAGE.rglob("*.py") if "_channel" not in path.relative_to(PACKAGE).parts
)


@pytest.mark.parametrize("part", PARTS)
def test_what_is_called_exists(part: str) -> None:
    called = {
        name
        for path in SOURCES
        for name in re.findall(rf"\.{part}\.(\w+)\(", path.read_text(encoding="utf-8"))
    }
    channel = f"wirespeed.{'_channel_c' if backend.COMPILED else '_channel'}"
    for name_of_class in PARTS[part]:
        kind = pkgutil.resolve_name(f"{channel}.{name_of_class}")
        assert [name for name in sorted(called) if not hasattr(kind, name)] == []
