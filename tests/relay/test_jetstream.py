"""A relay into a real JetStream, with workers that are killed and connections that are reset."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from relay.disturbed import FEEDS, Disturbance
from relay.jetstream import FOUND, MISSING

pytestmark = [
    pytest.mark.skipif(not FOUND, reason=MISSING),
    pytest.mark.loops("asyncio"),
    pytest.mark.deadline(180),
]

MESSAGES = 20_000
ROUNDS = 8


async def test_two_connections_lose_and_double_nothing(tmp_path: Path) -> None:
    outcome = await Disturbance(tmp_path, 2, random.Random(1)).run(MESSAGES, ROUNDS)
    assert outcome.kills
    assert outcome.resets
    for feed in FEEDS:
        assert outcome.numbers[feed]
        assert outcome.faults(feed, 2) == []


async def test_one_connection_tells_every_gap(tmp_path: Path) -> None:
    outcome = await Disturbance(tmp_path, 1, random.Random(1)).run(MESSAGES, ROUNDS)
    assert outcome.kills
    assert outcome.resets
    for feed in FEEDS:
        assert outcome.numbers[feed]
        assert outcome.faults(feed, 1) == []
