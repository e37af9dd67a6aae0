"""The table of closing, checked on a real connection: each event in each state."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

import pytest
from channel.scripted import Wire, client_frames, close, text, turns
from rawserver import CLOSE

from wirespeed import CloseCause, ConnectionDisconnected, ProtocolError, QueueOverflow
from wirespeed._lifecycle.closing import Closing, closing_of
from wirespeed._lifecycle.closing_table import TABLE, Event, News, State, Step

PAIRS: Final = [(state, event) for state in State for event in Event]


def reach_answering(wire: Wire) -> None:
    # No task takes the message, so the Close frame behind it is not acted on yet.
    wire.feed(text("1") + close(1001, "bye"))


def reach_read_only(wire: Wire) -> None:
    closing_of(wire.connection).write_failed(BrokenPipeError(32, "Broken pipe"))


def reach_closing(wire: Wire) -> None:
    closing_of(wire.connection).close(1000, "")


def reach_finishing(wire: Wire) -> None:
    reach_closing(wire)
    closing_of(wire.connection).peer_ended(None, (1001, "bye"))


def reach_ended(wire: Wire) -> None:
    wire.feed(close(1001, "bye"))


def reach_closed(wire: Wire) -> None:
    wire.lose()


REACH: Final[dict[State, Callable[[Wire], None]]] = {
    State.OPEN: lambda wire: None,
    State.ANSWERING: reach_answering,
    State.READ_ONLY: reach_read_only,
    State.CLOSING: reach_closing,
    State.FINISHING: reach_finishing,
    State.ENDED: reach_ended,
    State.CLOSED: reach_closed,
}
BRING_ABOUT: Final[dict[Event, Callable[[Wire, Closing], None]]] = {
    Event.CLOSE: lambda wire, closing: closing.close(4000, "mine"),
    Event.ABORT: lambda wire, closing: wire.connection.abort(),
    Event.PEER_END: lambda wire, closing: closing.peer_ended(ProtocolError("broken"), None),
    Event.HANDED_ON: lambda wire, closing: closing.answer_peer(),
    Event.OVERFLOW: lambda wire, closing: closing.overflowed(QueueOverflow("full")),
    Event.GIVE_UP: lambda wire, closing: closing.give_up(CloseCause.PING_TIMEOUT, "silent"),
    Event.EOF: lambda wire, closing: wire.protocol.eof_received(),
    Event.WRITE_FAILED: lambda wire, closing: closing.write_failed(BrokenPipeError(32, "pipe")),
    Event.LOST: lambda wire, closing: wire.lose(),
    Event.DEADLINE: lambda wire, closing: closing._on(Event.DEADLINE, News(CloseCause.CLOSE)),
}


def wire_in(state: State) -> tuple[Wire, Closing]:
    """Return a connection in `state`, and its `Closing`."""
    wire = Wire(ping_interval=None)
    REACH[state](wire)
    closing = closing_of(wire.connection)
    assert closing.state is state
    return wire, closing


def close_frames(wire: Wire) -> list[bytes]:
    return [payload for opcode, payload in client_frames(wire.written()) if opcode == CLOSE]


def refuses_to_send(wire: Wire) -> bool:
    try:
        _ = wire.connection.send_text("late")
    except ConnectionDisconnected:
        return True
    return False


def receiving_is_over(wire: Wire) -> bool:
    """Take what is queued; return whether the end follows."""
    while True:
        try:
            wire.connection.receive_nowait()
        except asyncio.QueueEmpty:
            return False
        except (ConnectionDisconnected, ProtocolError, QueueOverflow):
            return True


def test_every_pair_has_an_entry() -> None:
    assert {(state, event) for state, row in TABLE.items() for event in row} == set(PAIRS)


def test_a_connection_never_goes_back() -> None:
    for state, row in TABLE.items():
        for transition in row.values():
            assert transition.state >= state
            assert transition.steps or transition.state is state


@pytest.mark.parametrize("state", State, ids=lambda state: state.name)
def test_the_transport_may_be_lost_at_any_time(state: State) -> None:
    assert TABLE[state][Event.LOST].state is State.CLOSED


@pytest.mark.loops("asyncio")
@pytest.mark.parametrize(("state", "event"), PAIRS, ids=lambda part: part.name)
async def test_what_happens(state: State, event: Event) -> None:
    wire, closing = wire_in(state)
    before = close_frames(wire)
    was_dropped = wire.transport.closing
    following, steps = TABLE[state][event]

    BRING_ABOUT[event](wire, closing)

    assert closing.state is following
    sent = close_frames(wire)[len(before) :]
    can_send = not before and state is not State.READ_ONLY
    assert len(sent) == (Step.SEND_CLOSE in steps and can_send)
    assert wire.transport.closing == (
        was_dropped or Step.DROP_TRANSPORT in steps or event is Event.LOST
    )
    assert wire.connection.closed == (following >= State.READ_ONLY)
    assert refuses_to_send(wire) == (following >= State.READ_ONLY)
    assert (wire.connection.close_code is not None) == (following >= State.ENDED)
    assert receiving_is_over(wire) == (following >= State.ENDED)
    assert (wire.connection.close_info is not None) == (following >= State.ENDED)
    gone = asyncio.ensure_future(wire.connection.wait_closed())
    await turns()
    assert gone.done() == (following is State.CLOSED)
    if not gone.done():
        wire.lose()
    await gone


@pytest.mark.loops("asyncio")
@pytest.mark.parametrize("state", [state for state in State if state < State.ENDED])
async def test_what_ends_it_first_is_the_cause(state: State) -> None:
    wire, _ = wire_in(state)
    wire.connection.abort()
    info = wire.connection.close_info
    assert info is not None
    assert (
        info.cause
        is {
            State.OPEN: CloseCause.ABORT,
            State.ANSWERING: CloseCause.PEER_CLOSE,
            State.READ_ONLY: CloseCause.ABORT,
            State.CLOSING: CloseCause.CLOSE,
            State.FINISHING: CloseCause.CLOSE,
        }[state]
    )
    expected = (1001, "bye") if state in (State.ANSWERING, State.FINISHING) else None
    assert info.received == expected
    wire.lose()


@pytest.mark.loops("asyncio")
@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (ConnectionResetError(104, "Connection reset by peer"), CloseCause.NETWORK_ERROR),
        (TimeoutError(110, "Connection timed out"), CloseCause.NETWORK_ERROR),
        (BrokenPipeError(32, "Broken pipe"), CloseCause.PEER_EOF),
    ],
    ids=["reset", "timeout", "pipe"],
)
async def test_an_end_of_the_stream_after_a_failed_write(error: OSError, cause: CloseCause) -> None:
    wire, closing = wire_in(State.OPEN)
    closing.write_failed(error)
    wire.protocol.eof_received()
    info = wire.connection.close_info
    assert info is not None
    assert (info.cause, info.write_error) == (cause, error)
    wire.lose()
