"""Makes this process look to the package like one on Windows, and exchanges messages in it.

Does not imitate the sockets of Windows: it takes away what its event loops and its standard library
do not have. Usage: `python windows.py proactor|opaque|winloop`; prints what it saw as JSON.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import ssl
import sys
from asyncio import selector_events
from typing import Any, Final

# These look at the platform when they are imported.
import aiofastnet  # noqa: F401
import h11  # noqa: F401
import trustme
import uvloop

POSIX_MODULES: Final = ("fcntl", "grp", "pwd", "resource", "termios")
POSIX_NAMES: Final = {
    os: ("fork", "register_at_fork", "getuid", "geteuid"),
    socket: ("AF_UNIX", "MSG_DONTWAIT", "MSG_NOSIGNAL", "SO_REUSEPORT"),
}
LARGE: Final = bytes(range(256)) * 4096
PATIENCE_SECONDS: Final = 60


def refuse(loop: asyncio.AbstractEventLoop, *args: object) -> None:
    """Be a method that the event loop does not have."""
    raise NotImplementedError


REFUSED: Final[Any] = refuse


class Proactor(selector_events.BaseSelectorEventLoop):
    """An event loop of asyncio that neither watches descriptors nor handles signals.

    Like `asyncio.ProactorEventLoop`, it is no `asyncio.SelectorEventLoop`. Below, it still uses a
    selector, through methods that are not public.
    """

    # asyncio itself calls `remove_writer` after a connect.
    add_reader = remove_reader = add_writer = add_signal_handler = REFUSED


class OpaqueTransport(selector_events._SelectorSocketTransport):  # type: ignore[name-defined,misc]
    """A transport that does not tell a client which descriptor it has."""

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        if name == "socket" and self._server is None:
            return object()
        return super().get_extra_info(name, default)


class Opaque(Proactor):
    """An event loop with such transports."""

    def _make_socket_transport(self, sock: Any, protocol: Any, *args: Any, **options: Any) -> Any:
        return OpaqueTransport(self, sock, protocol, *args, **options)


# uvloop and winloop share their source: no loop of asyncio, and transports of libuv.
LOOPS: Final = {"proactor": Proactor, "opaque": Opaque, "winloop": uvloop.Loop}


def pretend() -> None:
    """Take away what Windows does not have."""
    # Event loops wake up through a pair. On Windows it is of TCP, here it stays what it is.
    socket.socketpair.__defaults__ = (socket.AF_UNIX, socket.SOCK_STREAM, 0)
    for module, names in POSIX_NAMES.items():
        for name in names:
            delattr(module, name)
    for name in POSIX_MODULES:
        sys.modules[name] = None  # type: ignore[assignment]
    sys.platform = "win32"


async def exchange(url: str, context: ssl.SSLContext | None) -> list[Any]:
    """Send messages there and back, then be reset.

    Returns:
        The class of the transport, the size of its read buffer, and the class of the error.
    """
    import wirespeed

    async with wirespeed.connect(url, ssl=context, proxy=None) as ws:
        await ws.send_text("hello, wörld")
        assert await ws.receive_text() == "hello, wörld"
        await ws.send_bytes(LARGE)
        assert await ws.receive_bytes() == LARGE
        await (await ws.ping())
        transport: Any = ws._transport
        name = f"{type(transport).__module__}.{type(transport).__name__}"
        buffer_bytes = len(transport.get_protocol().get_buffer(-1))
        await ws.send_text("reset")
        try:
            await ws.receive()
        except wirespeed.ConnectionDisconnected as exc:
            return [name, buffer_bytes, type(exc).__name__]
    raise AssertionError("the connection was not reset")


def contexts() -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Make the TLS contexts of a server and of its client."""
    authority = trustme.CA()
    ours, theirs = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    authority.issue_cert("127.0.0.1").configure_cert(ours)
    authority.configure_trust(theirs)
    return ours, theirs


async def main(ours: ssl.SSLContext, theirs: ssl.SSLContext) -> dict[str, Any]:
    """Exchange messages without TLS and with it."""
    import wirespeed
    from wirespeed.testing import ServerConnection, serve

    async def echo(client: ServerConnection) -> None:
        async for message in client:
            if message == "reset":
                client.reset()
                return
            await client.send(message)

    async with asyncio.timeout(PATIENCE_SECONDS):
        async with serve(echo) as url:
            plain = await exchange(url, None)
        async with serve(echo, ssl=ours) as url:
            encrypted = await exchange(url, theirs)
        try:
            await wirespeed.connect("ws://server/", unix_path="/tmp/none")
        except ValueError as exc:
            refusal = str(exc)
    return {
        "implementation": wirespeed.implementation,
        "plain": plain,
        "encrypted": encrypted,
        "unix_path": refusal,
    }


if __name__ == "__main__":
    make_loop, pair = LOOPS[sys.argv[1]], contexts()
    pretend()
    with contextlib.closing(make_loop()) as loop:
        print(json.dumps(loop.run_until_complete(main(*pair))))
