"""The states of closing, and what happens when an event arrives in each of them.

    OPEN -------- CLOSE -------> CLOSING --- PEER_END ---> FINISHING
     |                            ^   |                     ^    |
     |                          CLOSE |                     |  HANDED_ON
     |                            |   |                     |    v
     |--- WRITE_FAILED ---> READ_ONLY-|---- PEER_END -------'   ENDED --- LOST ---> CLOSED
     |                            |   |                          ^
     |--- PEER_END --> ANSWERING -|---|--- HANDED_ON, CLOSE -----|
     |                            |   |                          |
     '--- EOF, ABORT, OVERFLOW, GIVE_UP; EOF, ABORT -------------'

`LOST` leads to `CLOSED` from every state. `TABLE` has every pair of state and event; an event that
changes nothing has an entry without steps. Does no I/O.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from .._base.rfc6455 import CloseCode

if TYPE_CHECKING:
    from .._base.close_info import CloseCause
    from ..exceptions import ProtocolError, QueueOverflow

__all__ = ["TABLE", "Event", "News", "State", "Step", "Transition"]


class State(enum.IntEnum):
    """How far closing has come. The order matters: a connection never goes back."""

    # Messages are sent and received.
    OPEN = 0
    # The peer's Close frame or a fault was read; the messages before it may still be answered.
    ANSWERING = 1
    # A write has failed, so nothing can be sent; messages are read until the peer's end.
    READ_ONLY = 2
    # Our Close frame was sent; messages are read until the peer's Close frame.
    CLOSING = 3
    # Our Close frame was sent and the peer's end was read; the last messages are handed on.
    FINISHING = 4
    # Nothing more is sent or received; the transport is not closed yet.
    ENDED = 5
    # The transport is closed.
    CLOSED = 6


class Event(enum.Enum):
    """Events that lead to the end of a connection."""

    CLOSE = "the program closes, or cannot finish a message that it has begun"
    ABORT = "the program drops the connection"
    PEER_END = "a Close frame or a fault of the peer was read"
    HANDED_ON = "the messages before the peer's end were taken, or their time is over"
    OVERFLOW = "the receive queue is full, with `overflow='close'`"
    GIVE_UP = "the peer was silent for too long"
    EOF = "the peer ended the stream"
    WRITE_FAILED = "a write has failed, and the transport still reads"
    LOST = "the transport is gone"
    DEADLINE = "closing has taken too long"


@dataclass(frozen=True, slots=True)
class News:
    """The data of an event.

    Attributes:
        cause: the cause of the connection's end, if this is the first.
        code: the close code to send.
        reason: the close reason to send with it.
        fault: the error in the peer's stream, or of the full queue; `None` without one.
        close: code and reason of the peer's Close frame; `None` without one.
    """

    cause: CloseCause
    code: int = CloseCode.INTERNAL_ERROR
    reason: str = ""
    fault: ProtocolError | QueueOverflow | None = None
    close: tuple[int, str] | None = None


class Step(enum.Enum):
    """Actions of a transition."""

    NOTE_CAUSE = "note what ended the connection, if nothing has before"
    KEEP_END = "keep the peer's Close frame or fault until the messages before it are handed on"
    FOLLOW = "act on the Close frame or the fault that was kept"
    FAIL = "note the fault that the connection is failed with"
    REFUSE_SENDS = "let sends raise `ConnectionDisconnected`"
    SEND_CLOSE = "send a Close frame, and let sends raise after it"
    HALF_CLOSE = "after a fault: send no more, so that the peer can read the Close frame"
    READ_ON = "read without pauses, and drop what the queue has no room for"
    START_DEADLINE = "drop the transport after `close_timeout` seconds"
    DROP_SOON = "drop the transport as soon as the Close frame can have left"
    DROP_TRANSPORT = "drop the transport at once"
    END_RECEIVING = "let receives end after the messages that are queued"
    STOP_WRITING = "write nothing more, and count what is unsent"
    DETACH = "leave the transport alone: it is gone"
    RELEASE = "wake everything that waits for the end, and log it"


class Transition(NamedTuple):
    """The effect of an event in one state: the next state, and the steps in order."""

    state: State
    steps: tuple[Step, ...] = ()


# The steps for the peer's end, once the messages before it are handed on.
_FOLLOW_PEER = (Step.FOLLOW, Step.SEND_CLOSE, Step.HALF_CLOSE, Step.END_RECEIVING)
_LOSE = (Step.NOTE_CAUSE, Step.REFUSE_SENDS, Step.DETACH, Step.END_RECEIVING, Step.RELEASE)

_CHANGES: Final[Mapping[State, Mapping[Event, Transition]]] = {
    State.OPEN: {
        Event.CLOSE: Transition(
            State.CLOSING,
            (Step.NOTE_CAUSE, Step.SEND_CLOSE, Step.READ_ON, Step.START_DEADLINE),
        ),
        Event.ABORT: Transition(
            State.ENDED,
            (Step.NOTE_CAUSE, Step.REFUSE_SENDS, Step.DROP_TRANSPORT, Step.END_RECEIVING),
        ),
        Event.PEER_END: Transition(State.ANSWERING, (Step.KEEP_END,)),
        Event.OVERFLOW: Transition(
            State.ENDED,
            (Step.NOTE_CAUSE, Step.FAIL, Step.SEND_CLOSE, Step.HALF_CLOSE, Step.END_RECEIVING),
        ),
        # The peer may still be alive: it gets a Close frame, but we do not wait for its answer.
        Event.GIVE_UP: Transition(
            State.ENDED,
            (Step.NOTE_CAUSE, Step.SEND_CLOSE, Step.DROP_SOON, Step.END_RECEIVING),
        ),
        Event.EOF: Transition(
            State.ENDED, (Step.NOTE_CAUSE, Step.REFUSE_SENDS, Step.END_RECEIVING)
        ),
        Event.WRITE_FAILED: Transition(State.READ_ONLY, (Step.REFUSE_SENDS, Step.STOP_WRITING)),
        Event.LOST: Transition(State.CLOSED, _LOSE),
    },
    State.ANSWERING: {
        Event.CLOSE: Transition(State.ENDED, (Step.NOTE_CAUSE, Step.SEND_CLOSE, *_FOLLOW_PEER)),
        Event.ABORT: Transition(State.ENDED, (*_FOLLOW_PEER, Step.DROP_TRANSPORT)),
        Event.HANDED_ON: Transition(State.ENDED, _FOLLOW_PEER),
        Event.GIVE_UP: Transition(State.ENDED, _FOLLOW_PEER),
        Event.EOF: Transition(State.ENDED, _FOLLOW_PEER),
        Event.WRITE_FAILED: Transition(State.FINISHING, (Step.REFUSE_SENDS, Step.STOP_WRITING)),
        Event.LOST: Transition(State.CLOSED, (Step.FOLLOW, *_LOSE)),
    },
    State.READ_ONLY: {
        # No Close frame can be sent any more.
        Event.CLOSE: Transition(
            State.CLOSING, (Step.NOTE_CAUSE, Step.READ_ON, Step.START_DEADLINE)
        ),
        Event.ABORT: Transition(
            State.ENDED, (Step.NOTE_CAUSE, Step.DROP_TRANSPORT, Step.END_RECEIVING)
        ),
        Event.PEER_END: Transition(State.FINISHING, (Step.KEEP_END,)),
        Event.OVERFLOW: Transition(
            State.ENDED, (Step.NOTE_CAUSE, Step.FAIL, Step.DROP_TRANSPORT, Step.END_RECEIVING)
        ),
        Event.GIVE_UP: Transition(
            State.ENDED, (Step.NOTE_CAUSE, Step.DROP_TRANSPORT, Step.END_RECEIVING)
        ),
        Event.EOF: Transition(State.ENDED, (Step.NOTE_CAUSE, Step.END_RECEIVING)),
        Event.LOST: Transition(State.CLOSED, _LOSE),
    },
    State.CLOSING: {
        Event.ABORT: Transition(State.ENDED, (Step.DROP_TRANSPORT, Step.END_RECEIVING)),
        Event.PEER_END: Transition(State.FINISHING, (Step.KEEP_END,)),
        Event.EOF: Transition(State.ENDED, (Step.END_RECEIVING,)),
        Event.WRITE_FAILED: Transition(State.CLOSING, (Step.STOP_WRITING,)),
        Event.LOST: Transition(State.CLOSED, _LOSE),
        Event.DEADLINE: Transition(State.CLOSING, (Step.DROP_TRANSPORT,)),
    },
    State.FINISHING: {
        Event.ABORT: Transition(State.ENDED, (*_FOLLOW_PEER, Step.DROP_TRANSPORT)),
        Event.HANDED_ON: Transition(State.ENDED, _FOLLOW_PEER),
        Event.GIVE_UP: Transition(State.ENDED, _FOLLOW_PEER),
        Event.EOF: Transition(State.ENDED, _FOLLOW_PEER),
        Event.WRITE_FAILED: Transition(State.FINISHING, (Step.STOP_WRITING,)),
        Event.LOST: Transition(State.CLOSED, (Step.FOLLOW, *_LOSE)),
        Event.DEADLINE: Transition(State.FINISHING, (Step.DROP_TRANSPORT,)),
    },
    State.ENDED: {
        Event.ABORT: Transition(State.ENDED, (Step.DROP_TRANSPORT,)),
        # All messages were received, so the transport is of no more use.
        Event.WRITE_FAILED: Transition(State.ENDED, (Step.STOP_WRITING, Step.DROP_TRANSPORT)),
        Event.LOST: Transition(State.CLOSED, (Step.DETACH, Step.RELEASE)),
        Event.DEADLINE: Transition(State.ENDED, (Step.DROP_TRANSPORT,)),
    },
    State.CLOSED: {},
}

TABLE: Final[Mapping[State, Mapping[Event, Transition]]] = {
    state: {event: changes.get(event, Transition(state)) for event in Event}
    for state, changes in _CHANGES.items()
}
