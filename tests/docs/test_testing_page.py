"""Every example of docs/testing.md is a test, and passes."""

from __future__ import annotations

import asyncio
import inspect
import re
from pathlib import Path
from typing import Any

import pytest

from wirespeed.testing.pytest_plugin import ServerFactory, wirespeed_server

__all__ = ["wirespeed_server"]

PAGE = Path(__file__).parents[2] / "docs" / "testing.md"
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# As the page describes it.
RECORDING = """\
{"wirespeed": 1, "url": "wss://feed.example/ticks", "subprotocol": null, "opened": "2026-01-01"}
{"t": 0.01, "sender": "client", "text": "{\\"subscribe\\": \\"BTCUSD\\"}"}
{"t": 0.05, "sender": "server", "text": "{\\"price\\": 42.5}"}
{"t": 60.1, "sender": "client", "close": 1000, "reason": ""}
"""
EXAMPLES = BLOCK.findall(PAGE.read_text(encoding="utf-8"))


def run_example(number: int) -> tuple[list[Any], dict[str, Any]]:
    """Run the example; return the functions in it that are tests, and its names."""
    names: dict[str, Any] = {}
    if number == len(EXAMPLES) - 1:
        # The last one goes on with the one before.
        exec(EXAMPLES[number - 1], names)
    before = set(names)
    exec(EXAMPLES[number], names)
    tests = [names[name] for name in names if name.startswith("test_") and name not in before]
    return tests, names


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_it_passes(number: int, wirespeed_server: ServerFactory, tmp_path: Path) -> None:
    recording = tmp_path / "recording"
    recording.write_text(RECORDING)
    tests, _ = run_example(number)
    assert len(tests) == 1
    test = tests[0]
    if inspect.iscoroutinefunction(test):
        asyncio.run(test(*[recording] * len(inspect.signature(test).parameters)))
    elif inspect.signature(test).parameters:
        test(wirespeed_server)
    else:
        test()


def test_there_are_examples() -> None:
    assert len(EXAMPLES) == 6


@pytest.mark.parametrize("number", [0])
def test_an_example_can_fail(number: int) -> None:
    tests, names = run_example(number)

    async def wrong(client: Any) -> None:
        assert await client.receive_json() == {"subscribe": "ETHUSD"}

    names["feed"] = wrong
    with pytest.raises(AssertionError):
        asyncio.run(tests[0]())
