"""`call_in_context` runs a callback inside a context, unless that context is already entered."""

from __future__ import annotations

from contextvars import Context, ContextVar, copy_context

import pytest
from twins.driving import Codec

PLACE: ContextVar[str] = ContextVar("PLACE", default="nowhere")


def context_in(place: str) -> Context:
    """Make a new context in which `PLACE` has the value `place`."""
    context = copy_context()
    context.run(PLACE.set, place)
    return context


def test_the_callback_runs_inside_the_context(codec: Codec) -> None:
    context = context_in("inside")
    seen: list[tuple[object, str]] = []
    argument = object()

    def callback(given: object) -> str:
        seen.append((given, PLACE.get()))
        PLACE.set("changed")
        return "ignored"

    assert codec.call_in_context(context, callback, argument) is True
    assert seen == [(argument, "inside")]
    assert context[PLACE] == "changed"
    assert PLACE.get() == "nowhere"


def test_an_entered_context_is_not_entered_again(codec: Codec) -> None:
    context = context_in("inside")
    called: list[object] = []
    assert context.run(codec.call_in_context, context, called.append, 1) is False
    assert called == []
    assert codec.call_in_context(context, called.append, 2) is True
    assert called == [2]


def test_contexts_may_nest(codec: Codec) -> None:
    outer, inner = context_in("outer"), context_in("inner")
    answers: list[object] = []

    def callback(argument: object) -> None:
        answers.append(codec.call_in_context(inner, lambda _: answers.append(PLACE.get()), 0))
        answers.append(codec.call_in_context(outer, answers.append, 0))
        answers.append(PLACE.get())

    assert codec.call_in_context(outer, callback, 0) is True
    assert answers == ["inner", True, False, "outer"]


@pytest.mark.parametrize(
    "fault",
    [ValueError("ours"), RuntimeError("ours"), KeyboardInterrupt(), SystemExit(3)],
    ids=repr,
)
def test_what_the_callback_raises_passes_through(codec: Codec, fault: BaseException) -> None:
    context = context_in("inside")
    called: list[object] = []

    def callback(argument: object) -> None:
        raise fault

    with pytest.raises(type(fault)) as caught:
        codec.call_in_context(context, callback, 0)
    assert caught.value is fault
    assert PLACE.get() == "nowhere"
    assert codec.call_in_context(context, called.append, "again") is True
    assert called == ["again"]


def test_a_context_is_needed(codec: Codec) -> None:
    called: list[object] = []
    with pytest.raises(TypeError):
        codec.call_in_context(None, called.append, 0)
    assert called == []
