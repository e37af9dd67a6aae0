"""Every extension type survives being made without `__init__`, and any of its methods then.

An error or a result, never a crash. The types are tried in a process of their own.
"""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from channel.scripted import Wire, text

import wirespeed
from wirespeed import Message, MessageType

COPIES: list[Callable[[Any], Any]] = [
    copy.copy,
    copy.deepcopy,
    lambda value: pickle.loads(pickle.dumps(value)),
]


class NamedMessage(Message):
    """A message of a program."""

    name = "named"


@pytest.mark.skipif(wirespeed.implementation == "pure", reason="pure Python cannot crash so")
def test_extension_types_survive_without_their_init() -> None:
    """On failure, the last line of the output names the type, the method and the arguments."""
    probe = Path(__file__).with_name("birth.py")
    done = subprocess.run(
        [sys.executable, str(probe)], capture_output=True, text=True, timeout=300, check=False
    )
    last = (done.stdout.splitlines() or [""])[-1]
    assert done.returncode == 0, f"{last}\n{done.stderr[-2000:]}"
    assert int(last.split()[0]) > 40, last


@pytest.mark.parametrize("copied", COPIES, ids=["copy", "deepcopy", "pickle"])
def test_a_message_is_a_value(copied: Callable[[Any], Any]) -> None:
    message = Message(MessageType.BINARY, b"data", 1.5)
    other = copied(message)
    assert other == message
    assert other.received_at == 1.5
    assert type(other) is Message


@pytest.mark.parametrize("copied", COPIES, ids=["copy", "deepcopy", "pickle"])
def test_a_subclass_of_a_message_is_a_value(copied: Callable[[Any], Any]) -> None:
    message = NamedMessage(MessageType.TEXT, "data")
    other = copied(message)
    assert type(other) is NamedMessage
    assert other == message
    assert (other.name, other.data, other.received_at) == ("named", "data", None)


@pytest.mark.loops("asyncio")
async def test_a_connection_can_be_referred_to_weakly() -> None:
    class Mine(wirespeed.WebSocketConnection):
        pass

    wire = Wire(connection_class=Mine)
    assert type(wire.connection) is Mine
    assert weakref.ref(wire.connection)() is wire.connection
    wire.lose()


@pytest.mark.loops("asyncio")
async def test_what_a_connection_makes_is_made_by_it_alone() -> None:
    wire = Wire()
    for made in (wire.connection, wire.connection.receive_stream(), wire.connection.batches()):
        kind: Any = type(made)
        with pytest.raises(TypeError):
            kind()
    wire.lose()


@pytest.mark.loops("asyncio")
@pytest.mark.parametrize("copied", COPIES, ids=["copy", "deepcopy", "pickle"])
async def test_a_connection_and_its_streams_are_not_copied(copied: Callable[[Any], Any]) -> None:
    wire = Wire()
    wire.feed(text("first"))
    for original in (wire.connection, wire.connection.receive_stream(), wire.connection.receive()):
        with pytest.raises(TypeError, match=r"copied|pickle"):
            copied(original)
    assert await wire.connection.receive_text() == "first"
    wire.lose()
