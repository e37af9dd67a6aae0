"""Both twins side by side in one process, and how a micro benchmark is measured.

Knows nothing of what is measured.
"""

from __future__ import annotations

import importlib
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

# Before the package is imported: it chooses pure Python for itself, and what is compiled can
# still be imported by name. Chosen compiled, it would lend its helpers to the pure channel.
os.environ["WIRESPEED_PURE_PYTHON"] = "1"

# Reading the time of this process is a system call of a microsecond: a thousandth of a round.
SECONDS_A_ROUND = 0.001
# More rounds change no median.
SECONDS_A_BENCHMARK = 0.5
ROUNDS_WITH_PREPARATION = 200


@dataclass(frozen=True)
class Twin:
    """One of the two implementations of the data path.

    Attributes:
        codec: the module with the parser and the builder.
        channel: the package with the channel and its link.
    """

    codec: ModuleType
    channel: ModuleType


MODULES = {
    "pure": ("wirespeed._codec.pure", "wirespeed._channel"),
    "compiled": ("wirespeed._codec._core", "wirespeed._channel_c"),
}


@pytest.fixture(scope="session", params=MODULES)
def twin(request: pytest.FixtureRequest) -> Twin:
    """Give one implementation; a missing extension is an error where it is required."""
    assert not importlib.import_module("wirespeed._codec.backend").COMPILED, "imported too early"
    try:
        return Twin(*map(importlib.import_module, MODULES[request.param]))
    except ModuleNotFoundError as fault:
        if request.param == "pure" or os.environ.get("WIRESPEED_REQUIRE_EXTENSION") == "1":
            raise
        pytest.skip(f"the extension is not built: {fault}")


class Measure:
    """Measures a function, and tells how many messages or bytes it deals with in a second."""

    def __init__(self, benchmark: BenchmarkFixture) -> None:
        self.benchmark = benchmark

    def __call__(
        self,
        function: Callable[..., object],
        *arguments: Any,
        prepare: Callable[[], object] | None = None,
        messages: int = 0,
        data_bytes: int = 0,
    ) -> None:
        """Measure `function(*arguments)`.

        Args:
            function: what is measured.
            arguments: what it is called with.
            prepare: called before each call of `function`, and not measured.
            messages: how many messages one call deals with.
            data_bytes: how many bytes one call deals with.
        """
        if prepare is None:
            self.benchmark(function, *arguments)
        else:
            self.benchmark.pedantic(  # type: ignore[no-untyped-call]
                function,
                arguments,
                setup=prepare,
                rounds=ROUNDS_WITH_PREPARATION,
                warmup_rounds=ROUNDS_WITH_PREPARATION // 10,
            )
        if self.benchmark.stats is not None:
            seconds = self.benchmark.stats.stats.median
            if messages:
                self.benchmark.extra_info["messages/s"] = round(messages / seconds)
            if data_bytes:
                self.benchmark.extra_info["MB/s"] = round(data_bytes / seconds / 1e6, 1)


@pytest.fixture
def measure(benchmark: BenchmarkFixture) -> Measure:
    """Give the way to measure."""
    return Measure(benchmark)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Show the twins of one work below each other, and measure the time of this process only."""
    for item in items:
        if isinstance(item, pytest.Function) and "benchmark" in item.fixturenames:
            item.add_marker(
                pytest.mark.benchmark(
                    group=group_of(item),
                    timer=time.process_time,
                    min_time=SECONDS_A_ROUND,
                    max_time=SECONDS_A_BENCHMARK,
                )
            )


def group_of(item: pytest.Function) -> str:
    """Name the work: the test without the twin that does it."""
    name = item.originalname.removeprefix("test_").replace("_", " ")
    parameters = [part for part in item.callspec.id.split("-") if part not in MODULES]
    return ", ".join([name, *parameters])
