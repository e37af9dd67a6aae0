"""Every public name stands in the API reference, and every parameter of `connect` once."""

from __future__ import annotations

import importlib
import inspect
import re
from pathlib import Path

import pytest

import wirespeed
from wirespeed import WebSocketConnection

REFERENCE = "\n".join(
    page.read_text(encoding="utf-8")
    for page in (Path(__file__).parents[2] / "docs" / "api").glob("*.md")
)
MODULES = (
    "wirespeed",
    "wirespeed.exceptions",
    "wirespeed.testing",
    "wirespeed.testing.pytest_plugin",
    "wirespeed.metrics",
    "wirespeed.metrics.prometheus",
    "wirespeed.metrics.opentelemetry",
    "wirespeed.relay",
    "wirespeed.compat",
    "wirespeed.compat.aiosonic",
    "wirespeed.compat.aiohttp",
)


def described() -> set[str]:
    """Return the names that a directive describes, with their modules."""
    found = {"wirespeed.connect"}
    module = ""
    for line in REFERENCE.splitlines():
        if current := re.match(r"\.\. currentmodule:: (\S+)$", line):
            module = current[1]
        elif entry := re.match(r"\.\. (?:auto|py:)\w+:: ([\w.]+)", line):
            found.add(f"{module}.{entry[1]}")
    return found


DESCRIBED = described()


def names() -> list[str]:
    return [f"{name}.{each}" for name in MODULES for each in importlib.import_module(name).__all__]


@pytest.mark.parametrize("name", names())
def test_every_public_name_is_described(name: str) -> None:
    owner, _, own = name.rpartition(".")
    if owner == "wirespeed.compat.aiohttp":
        # A page of its own tells of these; they are aiohttp's.
        assert f"`{own}`" in REFERENCE
    elif name not in DESCRIBED:
        # It may be described where it is imported from in the first place.
        thing = getattr(importlib.import_module(owner), own)
        assert thing is getattr(wirespeed, own)
        assert f"wirespeed.{own}" in DESCRIBED


def test_every_member_of_a_connection_is_described() -> None:
    members = [name for name in dir(WebSocketConnection) if name[0] != "_"]
    own = {name for name in members if hasattr(WebSocketConnection, name)}
    prefix = "wirespeed.WebSocketConnection."
    assert {name.removeprefix(prefix) for name in DESCRIBED if name.startswith(prefix)} == own


def test_every_parameter_of_connect_stands_under_one_subject() -> None:
    groups = re.findall(r"^   :names: (.*)$", REFERENCE, re.MULTILINE)
    assert len(groups) > 5
    grouped = " ".join(groups).split()
    assert sorted(grouped) == sorted(inspect.signature(wirespeed.connect).parameters)
