"""Runs both twins in one process, and measures micro benchmarks."""

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

# Before the package is imported: this makes it choose pure Python. The compiled modules can still
# be imported by name. If the package chose them, the pure channel would use compiled helpers.
os.environ["WIRESPEED_PURE_PYTHON"] = "1"

# Reading the process time is a system call of 1 us, which is a thousandth of a round.
SECONDS_A_ROUND = 0.001
# More rounds do not change the median.
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
    """Return one implementation; a missing extension is an error if it is required."""
    assert not importlib.import_module("wirespeed._codec.backend").COMPILED, "imported too early"
    try:
        return Twin(*map(importlib.import_module, MODULES[request.param]))
    except ModuleNotFoundError as fault:
        if request.param == "pure" or os.environ.get("WIRESPEED_REQUIRE_EXTENSION") == "1":
            raise
        pytest.skip(f"the extension is not built: {fault}")


class Measure:
    """Measures a function, and reports how many messages or bytes it handles in a second."""

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
            function: the function to measure.
            arguments: its arguments.
            prepare: called before each call of `function`, and not measured.
            messages: how many messages one call handles; 0 to report none.
            data_bytes: how many bytes one call handles; 0 to report none.
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
    """Return what measures this benchmark."""
    return Measure(benchmark)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Group the twins of a benchmark, and measure only the time of this process."""
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
    """Return the name of the test with its parameters, but without the twin."""
    name = item.originalname.removeprefix("test_").replace("_", " ")
    parameters = [part for part in item.callspec.id.split("-") if part not in MODULES]
    return ", ".join([name, *parameters])
