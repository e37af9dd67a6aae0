"""Every way to wait for a message: typed, in batches, in tasks, by several receivers.

The server's end decides what is sent, and the test decides when: no read is left to chance.
"""

from __future__ import annotations

import asyncio
import contextvars
import functools
import inspect
import itertools
import json
import sys
import threading

import pytest
from ends import (
    binary_frame,
    both_ends,
    close_frame,
    collect,
    deliver,
    text_frame,
    turns,
)

import wirespeed
from wirespeed import Message, MessageType, WebSocketConnection

pytestmark = pytest.mark.usefixtures("transports")


async def test_receive_gives_type_and_data() -> None:
    async with both_ends() as (client, server):
        await server.write(text_frame("é") + binary_frame(b"\xff"))
        message = await client.receive()
        assert (message.type, message.data) == (MessageType.TEXT, "é")
        match await client.receive():
            case Message(MessageType.BINARY, data):
                assert data == b"\xff"
            case other:
                raise AssertionError(other)


async def test_typed_receives_leave_the_other_type_queued() -> None:
    async with both_ends() as (client, server):
        await deliver(server, text_frame("a"))
        with pytest.raises(wirespeed.MessageTypeError):
            await client.receive_bytes()
        with pytest.raises(TypeError):
            await client.receive_bytes()
        assert await client.receive_text() == "a"
        await deliver(server, binary_frame(b"b"))
        with pytest.raises(wirespeed.MessageTypeError):
            await client.receive_text()
        assert await client.receive_bytes() == b"b"


async def test_waiting_typed_receives_leave_the_other_type_queued() -> None:
    async with both_ends() as (client, server):
        wants_bytes = asyncio.create_task(client.receive_bytes())
        await turns()
        await server.write(text_frame("a"))
        with pytest.raises(wirespeed.MessageTypeError):
            await wants_bytes
        wants_text = asyncio.create_task(client.receive_text())
        assert await wants_text == "a"
        wants_text = asyncio.create_task(client.receive_text())
        await turns()
        await server.write(binary_frame(b"b"))
        with pytest.raises(wirespeed.MessageTypeError):
            await wants_text
        assert await client.receive_bytes() == b"b"


async def test_a_wrong_type_wakes_the_next_receiver() -> None:
    async with both_ends() as (client, server):
        wants_bytes = asyncio.create_task(client.receive_bytes())
        wants_text = asyncio.create_task(client.receive_text())
        await turns()
        await server.write(text_frame("a"))
        assert await wants_text == "a"
        with pytest.raises(wirespeed.MessageTypeError):
            await wants_bytes


async def test_json() -> None:
    async with both_ends() as (client, server):
        await server.write(text_frame('{"a": [1, "é"]}') + binary_frame(b"[2]") + text_frame("{"))
        assert await client.receive_json() == {"a": [1, "é"]}
        assert await client.receive_json() == [2]
        with pytest.raises(json.JSONDecodeError):
            await client.receive_json()


async def test_json_hooks() -> None:
    async with both_ends(loads=lambda data: ("loaded", data), dumps=repr) as (client, server):
        await server.write(text_frame("x"))
        assert await client.receive_json() == ("loaded", "x")
        await client.send_json((1, None))
        assert (await server.read_frame()).payload == b"(1, None)"


@pytest.mark.parametrize("value", [(), (1, 2), StopIteration(3), ValueError("a value"), None, ...])
async def test_a_result_may_be_anything(value: object) -> None:
    async with both_ends(loads=lambda data: value) as (client, server):
        waiting = asyncio.create_task(client.receive_json())
        await turns()
        await server.write(text_frame("1") + text_frame("2"))
        assert await waiting is value
        assert await client.receive_json() is value


async def test_receive_many() -> None:
    texts = [str(number) for number in range(10)]
    async with both_ends() as (client, server):
        waiting = asyncio.create_task(client.receive_many())
        await turns()
        await server.write(b"".join(map(text_frame, texts)))
        assert await waiting == texts
        await server.write(b"".join(map(text_frame, texts)))
        assert await client.receive_many(3) == texts[:3]
        assert await client.receive_text() == texts[3]
        assert await client.receive_many(1) == texts[4:5]
        assert await client.receive_many(100) == texts[5:]
        with pytest.raises(ValueError, match="max_messages"):
            await client.receive_many(0)


async def test_a_batch_belongs_to_who_received_it() -> None:
    async with both_ends() as (client, server):
        await server.write(text_frame("1") + text_frame("2"))
        batch = await client.receive_many()
        await server.write(text_frame("3"))
        assert await client.receive_many() == ["3"]
        assert batch == ["1", "2"]


async def test_receive_nowait() -> None:
    async with both_ends() as (client, server):
        with pytest.raises(asyncio.QueueEmpty):
            client.receive_nowait()
        await deliver(server, text_frame("1") + binary_frame(b"2"))
        assert client.receive_nowait() == Message(MessageType.TEXT, "1")
        assert client.receive_nowait() == Message(MessageType.BINARY, b"2")
        with pytest.raises(asyncio.QueueEmpty):
            client.receive_nowait()


async def test_receivers_are_served_in_order() -> None:
    served: list[tuple[int, str]] = []

    async def receive(client: WebSocketConnection, number: int) -> None:
        served.append((number, await client.receive_text()))

    async with both_ends() as (client, server), asyncio.TaskGroup() as group:
        for number in range(6):
            group.create_task(receive(client, number))
            await turns()
        await server.write(text_frame("0") + text_frame("1"))
        while len(served) < 2:
            await turns()
        await server.write(text_frame("2"))
        await server.write(b"".join(text_frame(str(number)) for number in range(3, 6)))
    assert served == [(number, str(number)) for number in range(6)]


async def test_several_iterations_share_the_messages() -> None:
    texts = [str(number) for number in range(1000)]
    shares: list[list[str | bytes]] = [[], [], []]
    async with both_ends() as (client, server):
        tasks = [asyncio.create_task(collect(client, share)) for share in shares]
        await turns()
        for text in texts:
            await server.write(text_frame(text))
            await turns(len(text) % 3)
        await server.write(close_frame())
        await asyncio.gather(*tasks)
    assert sorted(itertools.chain(*shares)) == sorted(texts)
    for share in shares:
        assert share == sorted(share, key=int)


async def test_tasks_groups_and_shields() -> None:
    async with both_ends() as (client, server):
        async with asyncio.TaskGroup() as group:
            first = group.create_task(client.receive_text(), name="first")
            second = group.create_task(client.receive_text())
            assert "first" in repr(first)
            assert first.get_stack() == []
            await turns()
            await server.write(text_frame("1") + text_frame("2"))
        assert (first.result(), second.result()) == ("1", "2")

        await server.write(b"".join(map(text_frame, "345")))
        gathered = await asyncio.gather(client.receive_text(), client.receive_many(2))
        assert gathered == ["3", ["4", "5"]]

        waiting = [asyncio.create_task(client.receive_text()) for _ in range(2)]
        await turns()
        await server.write(text_frame("6"))
        done, pending = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        assert [task.result() for task in done] == ["6"]
        await server.write(text_frame("7"))
        assert await pending.pop() == "7"

        await server.write(text_frame("8"))
        assert await asyncio.wait_for(client.receive_text(), 30) == "8"
        shielded = asyncio.shield(client.receive_text())
        await turns()
        await server.write(text_frame("9"))
        assert await shielded == "9"
        async with asyncio.timeout(30):
            await server.write(text_frame("10"))
            assert await client.receive_text() == "10"


async def test_as_completed_and_run_coroutine_threadsafe() -> None:
    async with both_ends() as (client, server):
        await server.write(text_frame("1") + text_frame("2") + text_frame("3"))
        results = [
            await result
            for result in asyncio.as_completed([client.receive_text(), client.receive_text()])
        ]
        assert sorted(results) == ["1", "2"]
        loop = asyncio.get_running_loop()
        receive = client.receive_text()
        future = await asyncio.to_thread(asyncio.run_coroutine_threadsafe, receive, loop)
        assert await asyncio.wrap_future(future) == "3"


async def test_a_receive_looks_like_a_coroutine() -> None:
    async with both_ends() as (client, _):
        receive = client.receive()
        assert inspect.isawaitable(receive)
        assert asyncio.iscoroutine(receive)
        assert not asyncio.isfuture(receive)
        receive.close()


async def test_a_receive_can_be_awaited_once() -> None:
    async with both_ends() as (client, server):
        receive = client.receive_text()
        await server.write(text_frame("1") + text_frame("2"))
        assert await receive == "1"
        with pytest.raises(RuntimeError, match="awaited already"):
            await receive
        assert await client.receive_text() == "2"


async def test_a_receive_that_is_never_awaited_takes_nothing() -> None:
    async with both_ends() as (client, server):
        _ = client.receive()
        await server.write(text_frame("1"))
        assert await client.receive_text() == "1"


async def test_context_and_current_task_of_a_woken_task() -> None:
    variable = contextvars.ContextVar("variable", default="outside")
    seen: list[object] = []

    async def consume(client: WebSocketConnection) -> None:
        variable.set("inside")
        async for _ in client:
            seen.append((variable.get(), asyncio.current_task()))
            async with asyncio.timeout(30):
                await client.send("answer")

    async with both_ends() as (client, server):
        task = asyncio.create_task(consume(client))
        for _ in range(3):
            await turns()
            await server.write(text_frame("x"))
            await server.read_frame()
        await server.write(close_frame())
        await task
        assert seen == [("inside", task)] * 3
        assert variable.get() == "outside"
        assert asyncio.current_task() is not task


async def test_a_consumer_may_close_from_inside_its_wake() -> None:
    async def consume(client: WebSocketConnection) -> list[str | bytes]:
        received = []
        async for message in client:
            received.append(message)
            if message == "stop":
                await client.close(3000)
        return received

    async with both_ends() as (client, server):
        consumer = asyncio.create_task(consume(client))
        await turns()
        await server.write(text_frame("1") + text_frame("stop") + text_frame("2"))
        assert await server.expect_close() == (3000, "")
        await server.write(close_frame(1000))
        server.writer.write_eof()
        assert await consumer == ["1", "stop", "2"]


async def test_an_exception_of_the_consumer_is_its_own() -> None:
    async def consume(client: WebSocketConnection) -> None:
        async for _ in client:
            raise LookupError("the consumer's own")

    async with both_ends() as (client, server):
        consumer = asyncio.create_task(consume(client))
        await turns()
        await server.write(text_frame("1") + text_frame("2"))
        with pytest.raises(LookupError, match="own"):
            await consumer
        assert await client.receive_text() == "2"


async def test_another_thread_is_refused() -> None:
    refusals: list[BaseException] = []

    def use(client: WebSocketConnection) -> None:
        for call in (
            client.receive,
            client.receive_nowait,
            lambda: client.send("x"),
            lambda: anext(aiter(client)),
        ):
            try:
                call()
            except RuntimeError as exc:
                refusals.append(exc)

    async with both_ends() as (client, server):
        thread = threading.Thread(target=use, args=[client])
        thread.start()
        await asyncio.to_thread(thread.join)
        assert len(refusals) == 4
        await client.send("y")
        assert (await server.read_frame()).payload == b"y"


if sys.version_info >= (3, 12):

    async def test_eager_tasks() -> None:
        async with both_ends() as (client, server):
            eager = functools.partial(
                asyncio.Task, loop=asyncio.get_running_loop(), eager_start=True
            )
            first = eager(client.receive_text())
            second = eager(client.receive_text())
            await deliver(server, b"".join(map(text_frame, "1234")))
            assert [await first, await second] == ["1", "2"]
            third = eager(client.receive_text())
            assert third.done()
            assert await third == "3"
            assert await client.receive_text() == "4"
