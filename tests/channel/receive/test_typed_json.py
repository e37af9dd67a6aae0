"""JSON decoded to a type; a message that cannot be decoded is not lost."""

from __future__ import annotations

import asyncio
import gc
import json
import sys
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, assert_type

import msgspec
import orjson
import pydantic
import pytest
from channel.scripted import Wire, binary, cancelled, in_callback, text, turns

import wirespeed


class Tick(msgspec.Struct):
    symbol: str
    price: float


class Order(pydantic.BaseModel):
    symbol: str
    price: float


@dataclass
class Trade:
    symbol: str
    price: float


@pydantic.dataclasses.dataclass
class Checked:
    symbol: str
    price: Annotated[float, pydantic.Field(gt=0)]


QUOTE = '{"symbol": "ÖL", "price": 1.5}'
LANES = {"text_queue_maxsize": 100}
BOTH = pytest.mark.parametrize("options", [{}, LANES], ids=["one queue", "lanes"])


@BOTH
@pytest.mark.parametrize("decode_text", [True, False])
@pytest.mark.parametrize("type", [Tick, Order, Trade, Checked])
async def test_a_type(type: Any, decode_text: bool, options: dict[str, Any]) -> None:
    wire = Wire(decode_text=decode_text, **options)
    wire.feed(text(QUOTE, f"[{QUOTE}]"))
    assert await wire.connection.receive_json(type=type) == type(symbol="ÖL", price=1.5)
    assert await wire.connection.receive_json(type=list[type]) == [type(symbol="ÖL", price=1.5)]


async def test_bytes_reach_the_decoder_as_they_are() -> None:
    wire = Wire(decode_text=False)
    wire.feed(text("1") + binary(b"2"))
    ws = wire.connection
    assert [await ws.receive_json(loads=lambda data: data) for _ in range(2)] == [b"1", b"2"]


async def test_loads_for_one_receive() -> None:
    wire = Wire(loads=lambda data: ["default", data])
    wire.feed(text("1", "2", "3"))
    assert await wire.connection.receive_json(loads=orjson.loads) == 1
    assert await wire.connection.receive_json() == ["default", "2"]
    assert await wire.connection.receive_json(loads=int, timeout=0) == 3


@BOTH
async def test_iterating(options: dict[str, Any]) -> None:
    wire = Wire(**options)
    wire.feed(text(QUOTE, QUOTE, "[1]"))
    ticks = wire.connection.json(type=Tick)
    assert [await anext(ticks), await anext(ticks)] == 2 * [Tick("ÖL", 1.5)]
    assert await anext(wire.connection.json()) == [1]
    wire.lose()
    with pytest.raises(wirespeed.ConnectionDisconnected):
        await anext(wire.connection.json(loads=orjson.loads))


@pytest.mark.parametrize(
    "wrong", ['{"symbol": "A"}', '{"symbol": 1, "price": 1}', "[]", "{", ""], ids=repr
)
@pytest.mark.parametrize("decode_text", [True, False])
@BOTH
async def test_what_cannot_be_decoded_stays_the_next_message(
    wrong: str, decode_text: bool, options: dict[str, Any]
) -> None:
    wire = Wire(decode_text=decode_text, **options)
    wire.feed(text("0", wrong, QUOTE))
    ws = wire.connection
    assert await ws.receive_json() == 0
    for _ in range(2):
        with pytest.raises(msgspec.MsgspecError) as refused:
            await ws.receive_json(type=Tick)
        assert refused.value.__notes__ == [
            "the message stays queued; receive_nowait() takes it as it is"
        ]
    with pytest.raises(pydantic.ValidationError):
        await anext(ws.json(type=Order))
    assert ws.pending.messages == 2
    assert ws.receive_nowait().data == (wrong if decode_text else wrong.encode())
    assert await ws.receive_json(type=Tick) == Tick("ÖL", 1.5)


async def test_the_only_message_stays_queued() -> None:
    wire = Wire(timestamps=True)
    wire.feed(text("x"))
    at = wire.connection.peek()
    with pytest.raises(ValueError, match="Expecting value"):
        await wire.connection.receive_json()
    assert wire.connection.peek() == at
    wire.feed(text("y"))
    assert await wire.connection.receive_many() == ["x", "y"]


@BOTH
async def test_a_receive_that_waited_gives_the_message_to_the_next(options: dict[str, Any]) -> None:
    wire = Wire(**options)
    wants_tick = asyncio.create_task(wire.connection.receive_json(type=Tick))
    wants_any = asyncio.create_task(wire.connection.receive())
    await turns()
    await in_callback(lambda: wire.feed(text("[]", "[2]")))
    with pytest.raises(msgspec.ValidationError):
        await wants_tick
    assert (await wants_any).data == "[]"
    assert await wire.connection.receive_json() == [2]


@BOTH
async def test_cancelling_a_typed_receive_loses_nothing(options: dict[str, Any]) -> None:
    wire = Wire(**options)
    waiting = asyncio.ensure_future(anext(wire.connection.json(type=Tick)))
    await turns()
    await cancelled(waiting)
    wire.feed(text(QUOTE))
    assert await wire.connection.receive_json(type=Tick) == Tick("ÖL", 1.5)


async def test_a_message_that_stays_queued_counts_for_the_bound() -> None:
    wire = Wire(max_queue=2)
    wire.feed(text("x", "y", "z"))
    paused = wire.connection._read_flow.is_paused()
    for _ in range(3):
        with pytest.raises(ValueError, match="Expecting value"):
            await wire.connection.receive_json()
    assert paused
    assert wire.connection._read_flow.is_paused()


class Halving:
    name = "halves"

    def encode(self, data: int) -> bytes:
        return b"%d" % data

    def decode(self, data: bytes) -> int:
        if int(data) % 2:
            raise ValueError("odd")
        return int(data) // 2


@BOTH
async def test_a_protocol_handler_that_raises_loses_no_message(options: dict[str, Any]) -> None:
    wire = Wire(protocol_handler=Halving(), **options)
    wire.feed(binary(b"2") + binary(b"3"))
    assert await wire.connection.receive_protocol() == 1
    with pytest.raises(ValueError, match="odd"):
        await wire.connection.receive_protocol()
    assert await wire.connection.receive_bytes() == b"3"


async def test_a_protocol_handler_takes_no_text() -> None:
    wire = Wire(protocol_handler=Halving())
    wire.feed(text("2"))
    with pytest.raises(wirespeed.MessageTypeError):
        await wire.connection.receive_protocol()
    assert await wire.connection.receive_text() == "2"


WRONG: dict[str, tuple[Callable[[wirespeed.WebSocketConnection], object], str]] = {
    "both": (
        lambda ws: ws.receive_json(loads=json.loads, type=Tick),  # type: ignore[call-overload]
        "loads and type exclude each other",
    ),
    "no function": (lambda ws: ws.receive_json(loads="json"), "loads must be callable"),  # type: ignore[call-overload]
    "no type": (lambda ws: ws.receive_json(type=5), "5"),
    "iterating": (lambda ws: ws.json(loads=5), "loads must be callable"),  # type: ignore[call-overload]
}


@pytest.mark.parametrize(("call", "words"), WRONG.values(), ids=WRONG)
async def test_wrong_arguments_raise_at_once(
    call: Callable[[wirespeed.WebSocketConnection], object], words: str
) -> None:
    wire = Wire()
    with pytest.raises(TypeError, match=words):
        call(wire.connection)


async def test_without_a_package_the_error_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    @dataclass
    class Alone:
        number: int

    for name in ("msgspec", "msgspec.json", "pydantic"):
        monkeypatch.setitem(sys.modules, name, None)
    wire = Wire()
    with pytest.raises(ImportError, match="needs msgspec or pydantic"):
        await wire.connection.receive_json(type=Alone)
    monkeypatch.undo()
    monkeypatch.setitem(sys.modules, "msgspec.json", None)
    wire.feed(text('{"number": 1}'))
    assert await wire.connection.receive_json(type=Alone) == Alone(1)


async def test_decoders_of_types_that_are_made_up_do_not_pile_up() -> None:
    wire = Wire()
    first = msgspec.defstruct("First", [("number", int)])
    wire.connection.receive_json(type=first).close()
    gone = weakref.ref(first)
    del first
    for number in range(257):
        wire.connection.receive_json(type=msgspec.defstruct(f"Made{number}", [])).close()
    # The last receive is reused for the next, and refers to its decoder.
    gc.collect()
    assert gone() is None


async def test_a_type_that_cannot_be_hashed() -> None:
    wire = Wire()
    wire.feed(text("1", "2"))
    rule: Any = Annotated[int, ["not hashable"]]
    assert [await wire.connection.receive_json(type=rule) for _ in range(2)] == [1, 2]


async def test_the_type_checker_knows_the_result() -> None:
    wire = Wire()
    wire.feed(text(*8 * [QUOTE]))
    ws: wirespeed.WebSocketConnection = wire.connection
    assert_type(await ws.receive_json(type=Tick), Tick)
    assert_type(await ws.receive_json(1.0, type=Order), Order)
    assert_type(await ws.receive_json(type=dict[str, Any]), dict[str, Any])
    assert_type(await ws.receive_json(loads=len), int)
    assert_type(await ws.receive_json(), Any)
    assert_type(await ws.receive_json(type=Tick | None), Any)
    async for tick in ws.json(type=Tick):
        assert_type(tick, Tick)
        break
    async for value in ws.json():
        assert_type(value, Any)
        break
