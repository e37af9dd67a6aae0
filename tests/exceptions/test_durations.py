"""Every argument that is a duration takes and refuses the same values, with the same texts."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from typing import Any

import pytest
from ends import both_ends

import wirespeed
from wirespeed import Heartbeat, Reconnect, WebSocketConnection, connect

URL = "ws://feed.example/"
NAN, INFINITY = math.nan, math.inf

# By whether 0 is allowed, and whether None, which stands for no limit. `batch_window` and the times
# of `Reconnect` are pauses, not limits.
ZERO_AND_NONE = ("open_timeout", "close_timeout", "timeout")
ZERO = ("batch_window", "initial", "maximum", "reset_after", "max_retry_after")
NONE = (
    "ping_interval",
    "ping_timeout",
    "idle_timeout",
    "give_up_after",
    "max_lifetime",
    "Heartbeat.timeout",
)
NEITHER = ("interval", "Heartbeat.interval")

RECEIVES = (
    "receive",
    "receive_text",
    "receive_bytes",
    "receive_json",
    "receive_many",
    "receive_stream",
    "receive_pong",
    "receive_protocol",
)
RECONNECT = ("initial", "maximum", "reset_after", "max_retry_after", "give_up_after")


def _reconnect(name: str) -> Callable[[WebSocketConnection, Any], Any]:
    return lambda ws, value: Reconnect(**{name: value})


def _connect(name: str) -> Callable[[WebSocketConnection, Any], Any]:
    return lambda ws, value: connect(URL, **{name: value})


def _receive(name: str) -> Callable[[WebSocketConnection, Any], Any]:
    return lambda ws, value: getattr(ws, name)(timeout=value)


def _of_connect() -> list[str]:
    parameters = inspect.signature(connect).parameters.values()
    return [each.name for each in parameters if "float" in each.annotation]


# What takes a duration: the argument's name, and a function that passes it a value.
TAKERS: list[tuple[str, Callable[[WebSocketConnection, Any], Any]]] = [
    *((name, _connect(name)) for name in _of_connect()),
    *((name, _reconnect(name)) for name in (*RECONNECT, "max_lifetime")),
    *(("timeout", _receive(name)) for name in RECEIVES),
    ("interval", lambda ws, value: ws.start_keep_alive(value)),
    ("Heartbeat.interval", lambda ws, value: Heartbeat(interval=value, payload="beat")),
    ("Heartbeat.timeout", lambda ws, value: Heartbeat(interval=1, payload="beat", timeout=value)),
]
IDS = [
    *_of_connect(),
    *RECONNECT,
    "max_lifetime",
    *RECEIVES,
    "start_keep_alive",
    "Heartbeat.interval",
    "Heartbeat.timeout",
]


def refusals(name: str) -> list[tuple[Any, str]]:
    """Return the values that an argument refuses, each with the error."""
    shown = name.rpartition(".")[2]
    takes_none = name in ZERO_AND_NONE + NONE
    least = "0 or more seconds" if name in ZERO_AND_NONE + ZERO else "over 0 seconds"
    kind = "a number of seconds or None" if takes_none else "a number of seconds"
    advice = "; None means no limit" if takes_none else ""
    values: list[tuple[Any, str]] = [
        (-1, f"ValueError: {shown} must be {least}, not -1"),
        (-0.5, f"ValueError: {shown} must be {least}, not -0.5"),
        (-INFINITY, f"ValueError: {shown} must be {least}, not -inf"),
        (NAN, f"ValueError: {shown} must be {least}, not nan"),
        (INFINITY, f"ValueError: {shown} must be a finite number of seconds, not inf{advice}"),
        ("1", f"TypeError: {shown} must be {kind}, not str"),
        (True, f"TypeError: {shown} must be {kind}, not bool"),
        ([], f"TypeError: {shown} must be {kind}, not list"),
    ]
    if name not in ZERO_AND_NONE + ZERO:
        values.append((0, f"ValueError: {shown} must be over 0 seconds, not 0"))
    if not takes_none:
        values.append((None, f"TypeError: {shown} must be a number of seconds, not NoneType"))
    return values


@pytest.mark.parametrize(("name", "give"), TAKERS, ids=IDS)
async def test_what_is_refused(name: str, give: Callable[[WebSocketConnection, Any], Any]) -> None:
    assert name in ZERO_AND_NONE + ZERO + NONE + NEITHER
    async with both_ends(protocol_handler=_Handler()) as (ws, _):
        for value, error in refusals(name):
            with pytest.raises((TypeError, ValueError)) as caught:
                await give(ws, value)
            assert f"{type(caught.value).__name__}: {caught.value}" == error


async def test_an_int_that_is_larger_than_any_float() -> None:
    text = "open_timeout must be a finite number of seconds, not a number of over 300 digits"
    with pytest.raises(ValueError, match=text):
        await connect(URL, open_timeout=10**400)


async def test_no_time_is_a_time() -> None:
    async with both_ends() as (ws, _):
        for receive in (ws.receive, ws.receive_pong):
            with pytest.raises(wirespeed.ReadTimeout):
                await receive(timeout=0)
        with pytest.raises(wirespeed.OpenTimeout):
            await connect("ws://127.0.0.1:9/", open_timeout=0)


def test_every_duration_is_here() -> None:
    methods = inspect.getmembers_static(WebSocketConnection, callable)
    taking = {
        name
        for name, method in methods
        if name[0] != "_"
        for parameter in inspect.signature(method).parameters.values()
        if parameter.name in {"timeout", "interval"}
    }
    assert taking == {*RECEIVES, "start_keep_alive"}
    fields = inspect.signature(Reconnect).parameters.values()
    assert {field.name for field in fields if "float" in field.annotation} - {"factor"} == {
        *RECONNECT,
        "max_lifetime",
    }


class _Handler(wirespeed.ProtocolHandler):
    """A protocol handler that is never used: the connection only needs to have one."""

    name = "unused"

    def encode(self, data: Any) -> bytes:
        raise NotImplementedError

    def decode(self, data: bytes) -> Any:
        raise NotImplementedError
