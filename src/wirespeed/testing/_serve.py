"""Starts a server for a test, in its own event loop or in a thread.

Public names: `serve`, `refuse`, `Serving`.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from types import TracebackType
from typing import TYPE_CHECKING

from .._base.arguments import check_bool, check_callable, check_seconds
from ._request import HeadersLike
from ._server import Refusal, Script, Server, replaces

if TYPE_CHECKING:
    import ssl as ssl_module

__all__ = ["Serving", "refuse", "serve"]


def refuse(status: int, *, headers: HeadersLike = (), body: str | bytes = b"") -> Script:
    """Return a script that refuses the opening handshake.

    Args:
        status: the HTTP status, 200 to 599.
        headers: headers of the response, such as Retry-After.
        body: the body of the response.

    Raises:
        ValueError: the status is another number.
    """
    return Refusal(status, headers, body)


def serve(
    *scripts: Script,
    timeout: float | None = 10.0,
    accept: bool = True,
    subprotocols: Sequence[str] = (),
    ssl: ssl_module.SSLContext | None = None,
    port: int = 0,
) -> Serving:
    """Serve WebSocket connections on 127.0.0.1, as the scripts of a test say.

    With `async with serve(script) as url:` the server runs in the test's own event loop. With
    `with serve(script) as url:` it runs in a thread of its own, for tests that are not coroutines
    and for programs that block the event loop.

    Each connection runs the next script; when there are no more, the last one runs again. A
    connection is closed with 1000 when its script returns. At the end of the block, open
    connections are closed with 1001.

    What a script raises, the block raises, so a failed `assert` in a script fails the test. With
    `async with`, it also cancels the body of the block. An error of the body itself is raised
    unchanged, unless a script failed before, for another reason than a client that went away.

    A script fails as well if it waits for a message that never comes, or if it does not end. It
    does not fail if it sends something to a client that is gone: then it only ends.

    Args:
        scripts: coroutine functions that are called with a `ServerConnection`.
        timeout: how long, in seconds, the script waits for a message, a Pong or a Close frame, and
            the end of the block for the scripts; `None` for no limit.
        accept: whether the opening handshake is accepted before the script is called. `False`
            leaves that to the script, with `accept()` and `refuse()` of the connection.
        subprotocols: what the server speaks: it chooses the first of these that is offered.
        ssl: the context of a server to serve wss.
        port: the port to listen on; 0 for one that the system chooses.

    Raises:
        TypeError, ValueError: an argument cannot be used.
    """
    if not scripts:
        raise TypeError("serve needs at least one script")
    for script in scripts:
        check_callable("script", script)
    check_seconds("timeout", timeout, over_zero=True)
    check_bool("accept", accept)
    if isinstance(subprotocols, str):
        raise TypeError("subprotocols must be a sequence of str, not a str")
    return Serving(
        Server(
            scripts,
            timeout=timeout,
            accept=accept,
            subprotocols=tuple(subprotocols),
            ssl=ssl,
            port=port,
        )
    )


class Serving:
    """A server that runs for the length of a block, `async with` or `with`; made by `serve`."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._is_used = False
        self._thread: _ServerThread | None = None

    async def __aenter__(self) -> str:
        """Start to listen; return the URL."""
        self._use()
        return await self._server.__aenter__()

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop; raise what the scripts raised."""
        await self._server.__aexit__(exc_type, exc, traceback)

    def __enter__(self) -> str:
        """Start a thread that listens; return the URL."""
        self._use()
        self._thread = _ServerThread(self._server)
        return self._thread.start()

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop; raise what the scripts raised."""
        if self._thread is not None:
            self._thread.stop(exc)

    def _use(self) -> None:
        if self._is_used:
            raise RuntimeError("the result of serve() is for one block only: call it again")
        self._is_used = True


class _BodyFailed(Exception):
    """Takes the place of the error of a block whose server runs in another thread."""


class _ServerThread:
    """Runs a server in an event loop in a thread of its own."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._url: Future[str] = Future()
        self._outcome: Future[None] = Future()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._end: asyncio.Future[None] | None = None
        self._thread = threading.Thread(
            target=self._run, name="wirespeed.testing.serve", daemon=True
        )

    def start(self) -> str:
        """Start the thread; return the URL."""
        self._thread.start()
        return self._url.result()

    def stop(self, exc: BaseException | None) -> None:
        """Stop the server, wait for the thread, and raise what the scripts raised."""
        if self._loop is not None:
            # RuntimeError: the loop is closed, because a script has failed.
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._finish, exc is not None)
        self._thread.join()
        failure = self._outcome.exception()
        if (
            failure is not None
            and not isinstance(failure, _BodyFailed)
            and replaces([failure], exc)
        ):
            raise failure from exc

    def _finish(self, body_failed: bool) -> None:
        if self._end is None or self._end.done():
            return
        if body_failed:
            self._end.set_exception(_BodyFailed())
        else:
            self._end.set_result(None)

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
            self._outcome.set_result(None)
        except BaseException as exc:
            if not self._url.done():
                self._url.set_exception(exc)
            self._outcome.set_exception(exc)

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._end = self._loop.create_future()
        async with self._server as url:
            self._url.set_result(url)
            await self._end
