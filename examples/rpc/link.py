"""One connection for many callers, which opens again after it was lost; for `rpc` and `graphql`."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self

import wirespeed


class Link:
    """Keeps a connection open; a subclass uses it.

    Args:
        connecting: `wirespeed.connect(...)`; its `reconnect` decides when to try again.
    """

    def __init__(self, connecting: wirespeed.Connecting) -> None:
        self._connecting = connecting
        self._ready: asyncio.Future[wirespeed.WebSocketConnection]
        # Done when the connection of `_ready` is known to be over.
        self._over: asyncio.Future[None]
        self._task: asyncio.Task[None]
        self._is_closing = False

    async def use(self, ws: wirespeed.WebSocketConnection) -> None:
        """Prepare a new connection, call `ready`, and return when the connection has ended."""
        raise NotImplementedError

    def lost(self, error: Exception) -> None:
        """Let everything fail that waits on the connection that has ended."""

    def ended(self, error: Exception) -> None:
        """Let everything fail: there will be no further connection."""

    def ready(self, ws: wirespeed.WebSocketConnection) -> None:
        """Hand out the connection from now on."""
        self._over = asyncio.get_running_loop().create_future()
        self._ready.set_result(ws)

    async def connection(self) -> wirespeed.WebSocketConnection:
        """Return the open connection; wait for it while there is none.

        Raises:
            Exception: the reason why there will be no further connection.
        """
        while True:
            ready = self._ready
            ws = ready.result() if ready.done() else await asyncio.shield(ready)
            if not ws.closed:
                return ws
            await asyncio.wait([self._over])

    async def __aenter__(self) -> Self:
        self._ready = asyncio.get_running_loop().create_future()
        self._task = asyncio.create_task(self._run())
        try:
            await self.connection()
        except BaseException:
            await self._stop()
            raise
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._is_closing = True
        if self._ready.done() and self._ready.exception() is None:
            await self._ready.result().close()
        await self._stop()

    async def _stop(self) -> None:
        self._task.cancel()
        await asyncio.wait([self._task])

    async def _run(self) -> None:
        error: Exception = ConnectionError("the link is closed")
        try:
            async for ws in self._connecting:
                lost: Exception = ConnectionError("the server has closed the connection")
                try:
                    await self.use(ws)
                except (ConnectionError, TimeoutError) as exc:
                    # The next connection may fare better.
                    lost = exc
                finally:
                    self._forget(lost)
                    # Does nothing after a regular end.
                    await ws.close()
                if self._is_closing:
                    break
        except Exception as exc:
            error = exc
        finally:
            self._ready.set_exception(error)
            # Also if nobody asks any more.
            self._ready.exception()
            self.ended(error)

    def _forget(self, error: Exception) -> None:
        if self._ready.done():
            self._ready = asyncio.get_running_loop().create_future()
            self._over.set_result(None)
        self.lost(error)
