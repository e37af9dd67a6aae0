"""Checks that both ends of a connection agree: nothing lost or doubled, all counters right.

Uses only the client's outcome and the server's report.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator
from typing import Final

from soak.client import DROPPING
from soak.outcome import Outcome
from soak.report import Report

import wirespeed
from wirespeed import CloseCause

# The cause of the end, if the client does not end the connection.
CAUSES: Final = {
    "close": CloseCause.PEER_CLOSE,
    "eof": CloseCause.PEER_EOF,
    "truncate": CloseCause.PEER_EOF,
    "reset": CloseCause.NETWORK_ERROR,
    "garbage": CloseCause.PROTOCOL_ERROR,
    "mute": CloseCause.PING_TIMEOUT,
    "idle": CloseCause.IDLE_TIMEOUT,
    "cancel": CloseCause.PEER_CLOSE,
}
# The errors of failed openings. If the server resets the connection, either of two errors may come,
# depending on TCP.
REFUSALS: Final[dict[str, tuple[type[BaseException], ...]]] = {
    "refuse": (wirespeed.HandshakeError,),
    "babble": (wirespeed.HandshakeError,),
    "stall": (wirespeed.OpenTimeout,),
    "hang_up": (wirespeed.HandshakeError,),
    "slam": (wirespeed.HandshakeError, ConnectionError),
    "reset": (wirespeed.HandshakeError, ConnectionError),
}
# The errors that receives end with, for causes that determine them.
ERRORS: Final = {
    CloseCause.PROTOCOL_ERROR: wirespeed.ProtocolError,
    CloseCause.QUEUE_OVERFLOW: wirespeed.QueueOverflow,
    CloseCause.PING_TIMEOUT: wirespeed.ConnectionDisconnected,
    CloseCause.IDLE_TIMEOUT: wirespeed.IdleTimeout,
    CloseCause.PEER_EOF: wirespeed.ConnectionDisconnected,
    CloseCause.NETWORK_ERROR: wirespeed.ConnectionDisconnected,
}
CLEAN_CODES: Final = frozenset({1000, 1001, 1005})
# With these causes, the client has read everything that the server sent.
READ_TO_THE_END: Final = frozenset({CloseCause.PEER_EOF, CloseCause.PROTOCOL_ERROR})


def problems_of(outcome: Outcome, report: Report | None) -> Iterator[str]:
    """Yield each problem as text."""
    yield from outcome.problems
    if report is not None and report.problem:
        yield f"the server saw: {report.problem}"
    if outcome.stats is None or outcome.info is None:
        yield from _opening(outcome)
    elif report is None:
        yield "the server did not tell of it"
    else:
        yield from _messages(outcome, outcome.stats)
        yield from _received(outcome.stats, outcome.info, report)
        yield from _sent(outcome, outcome.stats, outcome.info, report)
        yield from _end(outcome, outcome.info)


def _opening(outcome: Outcome) -> Iterator[str]:
    if outcome.was_cancelled or outcome.problems:
        return
    if not isinstance(outcome.refusal, REFUSALS.get(outcome.kind, ())):
        yield f"the opening failed: {outcome.refusal!r}"
    elif outcome.kind == "refuse":
        status, body = (
            getattr(outcome.refusal, "status", None),
            getattr(outcome.refusal, "body", ""),
        )
        if (status, body) != (503, b"not now"):
            yield f"the refusal has status {status} and body {body!r}"


def _messages(outcome: Outcome, stats: wirespeed.Stats) -> Iterator[str]:
    """Compare what was received and dropped with what arrived."""
    may_replace = "conflate" in outcome.options
    for numbers in outcome.shares:
        # A message that replaces another takes its place.
        if may_replace:
            break
        if any(after <= before for before, after in itertools.pairwise(numbers)):
            yield f"out of order: {numbers}"
    counts = Counter(outcome.dropped)
    for numbers in outcome.shares:
        counts.update(numbers)
    if doubled := sorted(number for number, count in counts.items() if count > 1):
        yield f"doubled: {doubled}"
    if lost := sorted(set(range(stats.messages_received)) - set(counts)):
        yield f"lost: {lost} of {stats.messages_received} that arrived"
    if beyond := sorted(set(counts) - set(range(stats.messages_received))):
        yield f"received {beyond}, but only {stats.messages_received} were counted"
    if stats.messages_dropped != len(outcome.dropped):
        yield f"{len(outcome.dropped)} drops were told, {stats.messages_dropped} counted"
    may_drop = may_replace or outcome.options["overflow"] in DROPPING
    if outcome.dropped and outcome.is_patient and not may_drop:
        yield f"dropped although nothing may be: {outcome.dropped}"
    if stats.queue_depth:
        yield f"{stats.queue_depth} messages are still queued"


def _received(stats: wirespeed.Stats, info: wirespeed.CloseInfo, report: Report) -> Iterator[str]:
    """Compare what arrived with what the server sent."""
    sent = report.sent
    if stats.messages_received > report.begun:
        yield f"{stats.messages_received} messages arrived of {report.begun}"
    is_all = info.received is not None or info.cause in READ_TO_THE_END
    if is_all and stats.messages_received != sent.messages:
        yield f"lost: {stats.messages_received} messages arrived of {sent.messages}"
    if info.received is None:
        return
    if info.received != sent.close:
        yield f"the Close frame was {info.received}, sent was {sent.close}"
    yield from _differing(
        "received",
        frames=(stats.frames_received, sent.frames),
        wire_bytes=(stats.wire_bytes_received, sent.wire_bytes),
        pings=(stats.pings_received, sent.pings),
        pongs=(stats.pongs_received, sent.pongs),
    )


def _sent(
    outcome: Outcome, stats: wirespeed.Stats, info: wirespeed.CloseInfo, report: Report
) -> Iterator[str]:
    """Compare what the client sent with what the server saw."""
    received = report.received
    if stats.messages_sent != outcome.sent:
        yield f"{outcome.sent} messages were sent, counted were {stats.messages_sent}"
    if received.messages > outcome.sent:
        yield f"doubled: the server saw {received.messages} messages of {outcome.sent}"
    if received.close is None:
        if info.received is not None and outcome.way != "abort":
            yield f"both sides sent a Close frame, but the client's never came: {info}"
        return
    # The Close frame follows everything that was sent.
    if received.messages != outcome.sent:
        yield f"lost: the server saw {received.messages} messages of {outcome.sent}"
    if received.close != info.sent:
        yield f"the server saw the Close frame {received.close}, sent was {info.sent}"
    yield from _differing(
        "sent",
        frames=(stats.frames_sent, received.frames),
        wire_bytes=(stats.wire_bytes_sent, received.wire_bytes),
        pings=(stats.pings_sent, received.pings),
        pongs=(stats.pongs_sent, received.pongs),
    )


def _differing(direction: str, **pairs: tuple[int, int]) -> Iterator[str]:
    for name, (client, server) in pairs.items():
        if client != server:
            yield f"{name} {direction} by the client: it counted {client}, the server {server}"


def _end(outcome: Outcome, info: wirespeed.CloseInfo) -> Iterator[str]:
    """Check what the client reports about the end."""
    options = outcome.options
    expected = {CAUSES[outcome.kind]} if outcome.kind in CAUSES else set()
    if CloseCause.PEER_EOF in expected and "ssl" in options:
        # uvloop's TLS ends although the queue is full, and does not always hand on the peer's end:
        # it reads ahead 256 KiB, and of compressed data only as much is inflated as has room.
        expected.add(CloseCause.NETWORK_ERROR)
    if options["overflow"] == "close":
        expected.add(CloseCause.QUEUE_OVERFLOW)
    if not outcome.is_patient:
        expected |= {CloseCause.CLOSE, CloseCause.ABORT}
    if info.cause not in expected:
        yield f"the cause of the end is {info.cause!r}"
    is_clean = info.received is not None and info.received[0] in CLEAN_CODES
    for end in outcome.ends:
        if end is None and not is_clean:
            yield f"an iteration ended without an error: {info}"
        if not isinstance(end, ERRORS.get(info.cause, (type(None), wirespeed.WebSocketError))):
            yield f"a receive ended with {end!r}: {info}"
    is_answered = outcome.kind in {"close", "endless"} and outcome.way != "abort"
    if is_answered and info.cause is CloseCause.CLOSE and info.received is None:
        yield f"the closing handshake was not completed: {info}"
