"""One connection for many callers, which opens again after it was lost; for `rpc` and `graphql`."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Any, Self

import wirespeed


class Link:
    """Reads all messages of a connection, and tells a subclass what has happened.

    Args:
        connecting: `wirespeed.connect(...)`; its `reconnect` decides when to try again.
    """

    def __init__(self, connecting: wirespeed.Connecting) -> None:
        self._connecting = connecting
        self._ready: asyncio.Future[wirespeed.WebSocketConnection]
        self._task: asyncio.Task[None]
        self._is_closing = False

    async def opened(self, ws: wirespeed.WebSocketConnection) -> None:
        """Prepare a new connection: greet the server, subscribe again. Messages are being read."""

    def take(self, ws: wirespeed.WebSocketConnection, message: Any) -> None:
        """Take a message."""
        raise NotImplementedError

    def lost(self, error: Exception) -> None:
        """Let everything that waits on the connection fail."""
        raise NotImplementedError

    def ended(self, error: Exception) -> None:
        """Let everything fail: there will be no further connection."""
        raise NotImplementedError

    async def connection(self) -> wirespeed.WebSocketConnection:
        """Return the open connection; wait for it while there is none."""
        return await asyncio.shield(self._ready)

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
                try:
                    await self._use(ws)
                except wirespeed.ConnectionDisconnected as exc:
                    self._fail(exc)
                else:
                    self._fail(ConnectionError("the server has closed the connection"))
                if self._is_closing:
                    break
        except Exception as exc:
            error = exc
        finally:
            if self._ready.done():
                self._ready = asyncio.get_running_loop().create_future()
            self._ready.set_exception(error)
            # Also if nobody asks any more.
            self._ready.exception()
            self.ended(error)

    async def _use(self, ws: wirespeed.WebSocketConnection) -> None:
        preparing = asyncio.create_task(self._prepare(ws))
        try:
            async for message in ws.json():
                self.take(ws, message)
        finally:
            preparing.cancel()
            await asyncio.wait([preparing])
            # Does nothing after a regular end.
            await ws.close()
        if not preparing.cancelled():
            preparing.result()

    async def _prepare(self, ws: wirespeed.WebSocketConnection) -> None:
        try:
            await self.opened(ws)
            self._ready.set_result(ws)
        except (ConnectionError, TimeoutError):
            # The next connection may fare better.
            ws.abort()
        except Exception:
            # The server refuses: `_use` raises the error, and there is no further connection.
            await ws.close()
            raise

    def _fail(self, error: Exception) -> None:
        if self._ready.done():
            self._ready = asyncio.get_running_loop().create_future()
        self.lost(error)
