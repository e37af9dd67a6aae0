"""Delays, and which errors end the attempts: arithmetic alone, with given times."""

from __future__ import annotations

import dataclasses
import math
import socket
import ssl
from collections import Counter
from random import Random
from typing import Any

import pytest

import wirespeed
from wirespeed import (
    CertificateMismatch,
    ConnectionDisconnected,
    HandshakeError,
    IdleTimeout,
    InvalidCompression,
    InvalidURL,
    InvalidUtf8,
    MessageTooBig,
    MessageTypeError,
    OpenTimeout,
    ProtocolError,
    ProxyError,
    QueueOverflow,
    ReadTimeout,
    Reconnect,
    WebSocketError,
    should_retry,
)
from wirespeed._opening import backoff
from wirespeed._opening.backoff import Backoff, Verdict

# A time so late that the outage so far, since 0, bounds no delay.
LATE = 1e301


@pytest.fixture
def ceilings(monkeypatch: pytest.MonkeyPatch) -> list[tuple[float, float]]:
    """Record the ranges that delays are drawn from, and draw the upper end."""
    drawn: list[tuple[float, float]] = []

    def draw(low: float, high: float) -> float:
        drawn.append((low, high))
        return high

    monkeypatch.setattr(backoff, "uniform", draw)
    return drawn


def waiting(seconds: float | None) -> HandshakeError:
    """Return the error of a server that asks the client to stay away for `seconds`."""
    error = HandshakeError("refused", status=503)
    error.retry_after = seconds  # type: ignore[attr-defined, unused-ignore]
    return error


@pytest.mark.parametrize(
    "exc",
    [
        OSError(),
        ConnectionRefusedError(),
        ConnectionResetError(),
        socket.gaierror(socket.EAI_NONAME, "no such host"),
        TimeoutError(),
        OpenTimeout("late"),
        ReadTimeout("late"),
        ssl.SSLError("handshake failure"),
        ConnectionDisconnected("lost"),
        ConnectionDisconnected("closed", code=1008, received=(1008, "")),
        ProtocolError("bad frame"),
        ConnectionDisconnected("overflow", code=1008, sent=(1008, "")),
        IdleTimeout("silent"),
        MessageTooBig("large"),
        InvalidUtf8("no text"),
        InvalidCompression("corrupt"),
        QueueOverflow("too many"),
        ProxyError("unreachable"),
        *(ProxyError("refused", status=status) for status in (408, 429, 502, 503, 504)),
        HandshakeError("garbage"),
        *(HandshakeError("refused", status=status) for status in (408, 425, 429, 500, 503, 599)),
        ExceptionGroup("two", [OSError(), ExceptionGroup("one", [TimeoutError()])]),
    ],
    ids=repr,
)
def test_worth_a_retry(exc: Exception) -> None:
    assert should_retry(exc)


@pytest.mark.parametrize(
    "exc",
    [
        *(
            HandshakeError("refused", status=status)
            for status in (101, 200, 204, 301, 400, 401, 403, 404, 407, 410, 426, 499, 600, 999)
        ),
        *(ProxyError("refused", status=status) for status in (302, 403, 407)),
        CertificateMismatch("another", expected="AA", received="BB"),
        InvalidURL("no scheme"),
        TypeError(),
        ValueError(),
        MessageTypeError("binary"),
        UnicodeDecodeError("utf-8", b"", 0, 1, ""),
        ssl.SSLCertVerificationError(1, "certificate verify failed"),
        KeyError(),
        RuntimeError(),
        WebSocketError(),
        Exception(),
        ExceptionGroup("two", [OSError(), KeyError()]),
    ],
    ids=repr,
)
def test_not_worth_a_retry(exc: Exception) -> None:
    assert not should_retry(exc)


def test_ceilings_grow_to_the_maximum(ceilings: list[tuple[float, float]]) -> None:
    backoff = Backoff(Reconnect(initial=0.5, maximum=5, factor=3), 0)
    delays = [backoff.judge(OSError(), 0, LATE) for _ in range(5)]
    assert delays == [Verdict(0.5), Verdict(1.5), Verdict(4.5), Verdict(5), Verdict(5)]
    assert ceilings == [(0, 0.5), (0, 1.5), (0, 4.5), (0, 5), (0, 5)]


def test_they_do_not_overflow(ceilings: list[tuple[float, float]]) -> None:
    backoff = Backoff(Reconnect(initial=1, maximum=1e300, factor=1e300), 0)
    for _ in range(2000):
        assert math.isfinite(backoff.next_delay(LATE))
    assert ceilings[-1] == (0, 1e300)


def test_no_pause_is_longer_than_the_outage_so_far(ceilings: list[tuple[float, float]]) -> None:
    """`initial` comes on top. Without the bound, six short draws would lead to one of a minute."""
    backoff = Backoff(Reconnect(initial=1, maximum=60), 1000)
    for now in (1000, 1000.25, 1000.5, 1001, 1003, 1003, 1500, 2000):
        backoff.next_delay(now)
    assert [high for _, high in ceilings] == [1, 1.25, 1.5, 2, 4, 4, 60, 60]


def test_longest_draws_grow_as_without_that_bound(ceilings: list[tuple[float, float]]) -> None:
    backoff = Backoff(Reconnect(initial=1, maximum=60), 0)
    now = 0.0
    for _ in range(8):
        now += backoff.next_delay(now)
    assert [high for _, high in ceilings] == [1, 2, 4, 8, 16, 32, 60, 60]


@pytest.mark.parametrize(
    ("outage", "last", "share", "attempts"), [(30, 31, 0.1, 10), (300, 60, 0.05, 20)]
)
def test_what_a_long_outage_costs(
    outage: float, last: float, share: float, attempts: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """800 clients are back at last; the share that one second sees; attempts of each client."""
    waits: list[float] = []
    total = 0
    for seed in range(800):
        monkeypatch.setattr(backoff, "uniform", Random(seed).uniform)
        client, now = Backoff(Reconnect(), 0), 0.0
        while now < outage:
            now += client.next_delay(now)
            total += 1
        waits.append(now - outage)
    assert max(waits) <= last
    assert max(Counter(int(wait) for wait in waits).values()) < share * 800
    assert total < attempts * 800


def test_short_connections_are_part_of_the_outage(ceilings: list[tuple[float, float]]) -> None:
    """Connections that open and end at once are not replaced at a constant rate."""
    backoff = Backoff(Reconnect(initial=1, maximum=60, reset_after=10), 0)
    now = 0.0
    for _ in range(8):
        backoff.connection_ended(0, now)
        now += backoff.next_delay(now)
    assert [high for _, high in ceilings] == [1, 2, 4, 8, 16, 32, 60, 60]


def test_delays_are_random() -> None:
    policy = Reconnect(initial=10, maximum=10)
    delays = {Backoff(policy, 0).next_delay(0) for _ in range(100)}
    # The chance that all are equal is less than 2 ** -5000.
    assert len(delays) > 1
    assert all(0 <= delay <= 10 for delay in delays)


def test_no_delay_at_all() -> None:
    backoff = Backoff(Reconnect(initial=0, maximum=0), 0)
    assert [backoff.next_delay(LATE) for _ in range(3)] == [0, 0, 0]


@pytest.mark.usefixtures("ceilings")
@pytest.mark.parametrize(
    ("lifetime", "delays"), [(0, [4, 8]), (9.9, [4, 8]), (10, [1, 1]), (1e9, [1, 1])]
)
def test_a_good_connection_begins_anew(lifetime: float, delays: list[float]) -> None:
    backoff = Backoff(Reconnect(initial=1, reset_after=10), 0)
    for _ in range(2):
        backoff.next_delay(LATE)
    backoff.connection_ended(lifetime, LATE)
    # The ceiling is back at `initial`, and an outage that begins just now bounds the second one.
    assert [backoff.next_delay(LATE) for _ in range(2)] == delays


@pytest.mark.usefixtures("ceilings")
def test_the_pause_that_a_server_asks_for_comes_before_the_delay() -> None:
    backoff = Backoff(Reconnect(initial=1, max_retry_after=120), 0)
    assert backoff.judge(waiting(120), 0, LATE) == Verdict(121)
    assert backoff.judge(waiting(0), 0, LATE) == Verdict(2)
    assert backoff.judge(waiting(None), 0, LATE) == Verdict(4)


def test_a_pause_that_is_too_long_is_neither_waited_out_nor_shortened() -> None:
    verdict = Backoff(Reconnect(max_retry_after=120), 0).judge(waiting(121), 0, LATE)
    assert verdict.objection == (
        "the server asks to wait for 121 seconds, limit is 120 (max_retry_after)"
    )


@pytest.mark.usefixtures("ceilings")
def test_giving_up() -> None:
    backoff = Backoff(Reconnect(initial=4, give_up_after=10), 0)
    assert backoff.judge(OSError(), 0, LATE) == Verdict(4)
    # The last attempt is at the limit: a delay of 8 seconds would be beyond it.
    assert backoff.judge(OSError(), 5, LATE) == Verdict(5)
    assert backoff.judge(waiting(6), 4, LATE) == Verdict(6)
    assert backoff.judge(waiting(6), 4.5, LATE).objection
    for elapsed in (10, 11):
        assert backoff.judge(OSError(), elapsed, LATE).objection == (
            "limit is 10 seconds without a connection (give_up_after)"
        )


def test_never_giving_up() -> None:
    assert not Backoff(Reconnect(), 0).judge(OSError(), 1e9, LATE).objection


def test_the_caller_decides_what_is_worth_a_retry() -> None:
    seen: list[Exception] = []

    def decide(exc: Exception) -> bool:
        seen.append(exc)
        return isinstance(exc, KeyError)

    backoff = Backoff(Reconnect(should_retry=decide), 0)
    assert not backoff.judge(KeyError(), 0, LATE).objection
    verdict = backoff.judge(OSError(), 0, LATE)
    assert verdict.objection == "this error is not worth a retry (should_retry)"
    assert [type(exc) for exc in seen] == [KeyError, OSError]


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"initial": -1}, ValueError, "initial must be 0 or more seconds, not -1"),
        ({"initial": "1"}, TypeError, "initial must be a number of seconds, not str"),
        ({"initial": True}, TypeError, "initial must be a number of seconds, not bool"),
        ({"maximum": math.inf}, ValueError, "maximum must be a finite number of seconds, not inf"),
        ({"maximum": math.nan}, ValueError, "maximum must be 0 or more seconds, not nan"),
        ({"initial": 2, "maximum": 1}, ValueError, "maximum must be initial"),
        ({"factor": 0.5}, ValueError, "factor must be a finite number from 1, not 0.5"),
        ({"factor": math.inf}, ValueError, "factor must be a finite number from 1, not inf"),
        ({"factor": math.nan}, ValueError, "factor must be a finite number from 1, not nan"),
        ({"factor": None}, TypeError, "factor must be a number, not NoneType"),
        ({"reset_after": None}, TypeError, "reset_after must be a number of seconds"),
        ({"max_retry_after": None}, TypeError, "max_retry_after must be a number of seconds"),
        ({"give_up_after": 0}, ValueError, "give_up_after must be over 0 seconds, not 0"),
        ({"give_up_after": "1"}, TypeError, "give_up_after must be a number of seconds or None"),
        ({"max_lifetime": 0}, ValueError, "max_lifetime must be over 0 seconds, not 0"),
        ({"max_lifetime": -1}, ValueError, "max_lifetime must be over 0 seconds, not -1"),
        ({"should_retry": None}, TypeError, "should_retry must be callable, not NoneType"),
        ({"on_open": 1}, TypeError, "on_open must be callable, not int"),
    ],
    ids=repr,
)
def test_arguments(options: dict[str, Any], error: type[Exception], text: str) -> None:
    with pytest.raises(error) as caught:
        Reconnect(**options)
    assert str(caught.value).startswith(text)


def test_a_policy_cannot_be_changed() -> None:
    policy = Reconnect()
    with pytest.raises(dataclasses.FrozenInstanceError):
        policy.initial = 2  # type: ignore[misc]
    assert policy == Reconnect()
    assert policy.should_retry is wirespeed.should_retry
    assert dataclasses.replace(policy, initial=2).initial == 2
