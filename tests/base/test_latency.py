"""The moving average of round trips, computed from given values."""

from __future__ import annotations

import pytest

from wirespeed import CloseCause, CloseInfo, Latency
from wirespeed._base.latency import measured


def test_the_first_round_trip_is_the_average() -> None:
    assert measured(None, 0.5) == Latency(last=0.5, smoothed=0.5)


def test_each_round_trip_counts_an_eighth() -> None:
    latency = measured(measured(None, 1.0), 9.0)
    assert latency == Latency(last=9.0, smoothed=2.0)
    assert measured(latency, 2.0) == Latency(last=2.0, smoothed=2.0)


def test_it_does_not_change() -> None:
    with pytest.raises(AttributeError):
        measured(None, 1.0).last = 2.0  # type: ignore[misc]


def test_an_end_in_one_line() -> None:
    info = CloseInfo(
        cause=CloseCause.PEER_CLOSE,
        received=(1001, "so\nlong"),
        sent=(1001, ""),
        latency=0.0125,
        unsent_bytes=3,
        unread_messages=2,
        unread_bytes=10,
    )
    assert str(info) == (
        "closed by peer: the peer sent a Close frame, received 1001 'so\\nlong', sent 1001,"
        " last round trip 12.500 ms, 3 bytes unsent, 2 messages (10 bytes) unread"
    )


@pytest.mark.parametrize("cause", CloseCause)
def test_each_cause_says_who_closed(cause: CloseCause) -> None:
    info = CloseInfo(
        cause=cause,
        received=None,
        sent=None,
        latency=None,
        unsent_bytes=0,
        unread_messages=0,
        unread_bytes=0,
    )
    assert info.closed_by in {"local", "peer", None}
    assert (info.closed_by is None) == (cause is CloseCause.NETWORK_ERROR)
    assert str(info).startswith(f"closed by {info.closed_by or 'neither side'}: {cause}")
