"""Servers that refuse and say how long to stay away (RFC 9110 section 10.2.3).

No test waits for real time: the `clock` fixture controls it.
"""

from __future__ import annotations

import pytest
from outages import Clock, clock, opened, refusing

import wirespeed
from wirespeed import HandshakeError, Reconnect

__all__ = ["clock"]


async def test_the_server_says_how_long_to_stay_away(clock: Clock) -> None:
    answers = [(429, {"Retry-After": "7"}), (503, {})]
    policy = Reconnect(initial=1)
    async with refusing(*answers) as (url, given), opened(url, policy) as ws:
        assert await ws.receive_text() == "hello"
    assert given == [429, 503, 101]
    assert clock.delays == [8, 2]


async def test_too_long(clock: Clock) -> None:
    async with refusing((503, {"Retry-After": "3601"})) as (url, _):
        with pytest.raises(HandshakeError) as caught:
            async for _ in wirespeed.connect(url):
                pass
    (note,) = caught.value.__notes__
    assert note.startswith("gave up after 1 attempt in 0.0 seconds: the server asks to wait for")
    assert note.endswith("3601 seconds, limit is 3600 (max_retry_after)")
    assert clock.delays == []
