"""A connection for programs without asyncio: a GUI's thread, a web worker, a script.

Usage: `with Connection(url) as ws: ws.send("hello"); print(ws.receive(timeout=5))`. Any number of
threads may use it at the same time. The event loop runs in a thread of its own.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from types import TracebackType
from typing import Any, Self, TypeVar

import wirespeed

T = TypeVar("T")


class Connection:
    """A connection that is used from threads; each call waits for its result.

    Args:
        url: as for `wirespeed.connect`, which also documents `options`.
        options: its keyword arguments.

    Raises:
        OSError, ValueError: as `wirespeed.connect` does.
    """

    def __init__(self, url: str, **options: Any) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name=url, daemon=True)
        self._thread.start()

        async def connect() -> wirespeed.WebSocketConnection:
            return await wirespeed.connect(url, **options)

        try:
            self._ws = self._wait_for(connect)
        except BaseException:
            self._stop()
            raise

    def send(self, message: str | bytes) -> None:
        """Send a message; wait while the transport is full."""
        self._wait_for(lambda: self._ws.send(message))

    def send_json(self, value: Any) -> None:
        """Send a value as JSON."""
        self._wait_for(lambda: self._ws.send_json(value))

    def receive(self, timeout: float | None = None) -> str | bytes:
        """Wait for the next message.

        Args:
            timeout: in seconds; `None` waits without limit.

        Raises:
            wirespeed.ReadTimeout: no message arrived in time; nothing is lost.
            wirespeed.ConnectionDisconnected: the connection is closed.
        """
        return self._wait_for(lambda: self._ws.receive(timeout)).data

    def __iter__(self) -> Iterator[str | bytes]:
        """Iterate over the messages, which cross the threads in batches; end at a clean close."""
        while (batch := self._wait_for(self._next_batch)) is not None:
            yield from batch

    async def _next_batch(self) -> list[str | bytes] | None:
        async for batch in self._ws.batches():
            return batch
        return None

    def close(self) -> None:
        """Close the connection, and end the thread; a second call does nothing."""
        if self._thread.is_alive():
            try:
                self._wait_for(self._ws.close)
            finally:
                self._stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _wait_for(self, make: Callable[[], Awaitable[T]]) -> T:
        """Call `make` in the thread of the loop, and wait for its result."""
        if threading.current_thread() is self._thread:
            raise RuntimeError("this would wait for itself: await the connection there")
        if not self._thread.is_alive():
            raise RuntimeError("the connection is closed")

        async def call() -> T:
            return await make()

        future = asyncio.run_coroutine_threadsafe(call(), self._loop)
        try:
            return future.result()
        except BaseException:
            # For example a `KeyboardInterrupt` of the waiting thread.
            future.cancel()
            raise

    def _stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
