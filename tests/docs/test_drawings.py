"""The drawing of closing has every state, and every change from one state to another."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from wirespeed._lifecycle.closing_table import TABLE, Event, State

DOCS = Path(__file__).parents[2] / "docs"
DRAWING = (DOCS / "_static" / "closing.svg").read_text(encoding="utf-8")
PAGE = (DOCS / "inside.md").read_text(encoding="utf-8")
ARROW = re.compile(r'data-from="(\w+)" data-to="(\w+)" data-events="([\w ]+)"')


def test_the_drawing_has_every_state() -> None:
    assert set(re.findall(r'data-state="(\w+)"', DRAWING)) == {state.name for state in State}


def test_the_drawing_has_every_change_of_state() -> None:
    drawn = {
        (start, event, end)
        for start, end, events in ARROW.findall(DRAWING)
        for event in events.split()
    }
    changes = {
        (state.name, event.name, change.state.name)
        for state, row in TABLE.items()
        for event, change in row.items()
        if change.state is not state and event is not Event.LOST
    }
    # It has one arrow for all others of these.
    assert drawn == changes | {("ENDED", "LOST", "CLOSED")}
    assert all(TABLE[state][Event.LOST].state is State.CLOSED for state in State)


def test_each_arrow_is_labelled_with_its_events() -> None:
    for _, _, events in ARROW.findall(DRAWING):
        label = re.search(
            rf'data-events="{events}" d="[^"]+"/>((?:<text[^>]*>[^<]+</text>)+)', DRAWING
        )
        assert label is not None
        assert re.findall(r"[A-Z_]{3,}", label[1]) == events.split()


@pytest.mark.parametrize("kind", [State, Event])
def test_the_tables_have_every_name(kind: type[State | Event]) -> None:
    for each in kind:
        assert f"| {each.name} | " in PAGE
