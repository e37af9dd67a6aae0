"""Every input of the fuzzing corpus, through its target, on the core that is selected.

Coverage guides the fuzzer that found them; ci/fuzz.sh runs it. Here they run without it.
"""

from __future__ import annotations

import importlib
import random

import pytest

from fuzz.run import CORPUS, KERNELS, PYTHON_TARGETS

RANDOM_INPUTS = 100
LARGEST_CORPUS_BYTES = 1 << 20


@pytest.mark.parametrize("target", PYTHON_TARGETS)
def test_inputs_of_the_corpus(target: str) -> None:
    module = importlib.import_module(f"fuzz.targets.{target}")
    inputs = sorted((CORPUS / target).iterdir())
    assert len(inputs) > 10
    for path in inputs:
        try:
            module.one_input(path.read_bytes())
        except BaseException as exc:
            exc.add_note(f"with {path}")
            raise


@pytest.mark.parametrize("target", PYTHON_TARGETS)
def test_random_inputs(target: str) -> None:
    module = importlib.import_module(f"fuzz.targets.{target}")
    rng = random.Random(target)
    for _ in range(RANDOM_INPUTS):
        data = rng.randbytes(rng.choice((0, 1, 10, 40, 120)))
        try:
            module.one_input(data)
        except BaseException as exc:
            exc.add_note(f"with {data!r}")
            raise


def test_the_corpus_is_small_and_each_part_has_a_target() -> None:
    assert {path.name for path in CORPUS.iterdir()} == {KERNELS, *PYTHON_TARGETS}
    size = sum(path.stat().st_size for path in CORPUS.rglob("*") if path.is_file())
    assert size < LARGEST_CORPUS_BYTES
