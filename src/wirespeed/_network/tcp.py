"""Connects a TCP socket to a host and a port (RFC 8305: Happy Eyeballs)."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import functools
import itertools
import os
import socket
import sys
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, TypeAlias

from .._base.timings import Phases
from .route import Address, Resolve, Route, SocketOption, shown_place

# The value that RFC 8305 section 5 recommends.
ATTEMPT_DELAY_SECONDS = 0.25

Connect: TypeAlias = Callable[[Address], Awaitable[socket.socket]]


async def connect_tcp(host: str, port: int, route: Route, phases: Phases) -> socket.socket:
    """Connect to the host, using the first of its addresses that answers.

    Safe to cancel, also while the name is being resolved: no socket is left open.

    Args:
        host: a name or an IP address.
        port: the port to connect to.
        route: only its `family`, `local_addr`, `socket_options` and `resolve` are used.
        phases: enters "dns" and "tcp".

    Raises:
        OSError: there is no such host, or none of its addresses could be connected to. Its text has
            the host and the port.
    """
    loop = asyncio.get_running_loop()
    ask_loop = functools.partial(_ask_loop, loop)
    addresses = await _addresses(route.resolve or ask_loop, host, port, route.family, phases)
    local: Sequence[Address] = ()
    if route.local_addr is not None:
        local = await _addresses(ask_loop, *route.local_addr, route.family, phases)
    phases.enter("tcp")
    connect = functools.partial(_connect, loop, local, route.socket_options)
    try:
        if len(addresses) == 1:
            return await connect(addresses[0])
        return await _first_connected(loop, connect, addresses)
    except OSError as exc:
        raise not_connected(exc, host, port) from exc


def not_connected(exc: OSError, host: str, port: int) -> OSError:
    """Return an error of the same type as `exc` whose text has the host and the port."""
    text = f"cannot connect to {shown_place(host, port)}: {exc.strerror or exc}"
    # With an errno, `OSError` makes the right subclass, such as ConnectionRefusedError.
    return OSError(exc.errno, text) if exc.errno else OSError(text)


@functools.lru_cache(maxsize=64)
def family_of(host: str) -> int | None:
    """Return the family of an IP address; `None` for a name or an address with a zone."""
    for family in (socket.AF_INET, socket.AF_INET6):
        with contextlib.suppress(OSError):
            socket.inet_pton(family, host)
            return family
    return None


async def _addresses(
    find: Resolve, host: str, port: int, family: int, phases: Phases
) -> list[Address]:
    """Find the addresses to connect to, in the order in which to try them."""
    # An IP address needs no resolver, so no thread either.
    known = family_of(host)
    if known is not None and family in {0, known}:
        return [(known, (host, port))]
    try:
        if "%" in host:
            # Neither does an address with a zone; uvloop's resolver would drop the zone.
            flags = socket.AI_NUMERICHOST
            found = _bare(socket.getaddrinfo(host, port, family, socket.SOCK_STREAM, flags=flags))
        else:
            phases.enter("dns")
            found = list(await find(host, port, family))
    except socket.gaierror as exc:
        text = f"cannot find an address of {shown_place(host, port)}: {exc.strerror}"
        raise socket.gaierror(exc.errno, text) from exc
    return _interleaved(found)


async def _ask_loop(
    loop: asyncio.AbstractEventLoop, host: str, port: int, family: int
) -> list[Address]:
    return _bare(await loop.getaddrinfo(host, port, family=family, type=socket.SOCK_STREAM))


def _bare(found: Iterable[tuple[Any, ...]]) -> list[Address]:
    return [(family, address) for family, _, _, _, address in found]


def _interleaved(addresses: list[Address]) -> list[Address]:
    """Alternate between the families, the preferred one first (RFC 8305 section 4)."""
    preferred = [address for address in addresses if address[0] == addresses[0][0]]
    others = [address for address in addresses if address[0] != addresses[0][0]]
    pairs = itertools.zip_longest(preferred, others)
    return [address for pair in pairs for address in pair if address is not None]


async def _first_connected(
    loop: asyncio.AbstractEventLoop, connect: Connect, addresses: Iterable[Address]
) -> socket.socket:
    """Try the addresses in order; return the first socket that is connected.

    The next attempt starts after `ATTEMPT_DELAY_SECONDS`, or at once when an attempt fails.

    Raises:
        OSError: none of the addresses could be connected to.
    """
    untried = deque(addresses)
    failures: list[OSError] = []
    attempts: set[asyncio.Task[socket.socket]] = set()
    pending: set[asyncio.Task[socket.socket]] = set()
    winner: asyncio.Task[socket.socket] | None = None
    try:
        while untried or pending:
            if untried:
                attempt = loop.create_task(_run(connect, untried.popleft()))
                attempts.add(attempt)
                pending.add(attempt)
            done, pending = await asyncio.wait(
                pending,
                timeout=ATTEMPT_DELAY_SECONDS if untried else None,
                return_when=asyncio.FIRST_COMPLETED,
            )
            for attempt in done:
                try:
                    sock = attempt.result()
                except OSError as exc:
                    failures.append(exc)
                else:
                    winner = attempt
                    return sock
    finally:
        for attempt in attempts - {winner}:
            attempt.cancel()
            attempt.add_done_callback(_close_socket)
    raise _combined(failures)


async def _run(connect: Connect, address: Address) -> socket.socket:
    return await connect(address)


def _close_socket(attempt: asyncio.Task[socket.socket]) -> None:
    """Close the socket of an attempt that connected too late."""
    if not attempt.cancelled() and attempt.exception() is None:
        attempt.result().close()


def _combined(failures: list[OSError]) -> OSError:
    """Combine the errors of all addresses into one."""
    if len(failures) == 1:
        return failures[0]
    text = "; ".join(["no address of the host could be connected to", *map(str, failures)])
    numbers = {failure.errno for failure in failures}
    # With an errno, `OSError` makes the right subclass, such as ConnectionRefusedError.
    return OSError(numbers.pop(), text) if len(numbers) == 1 else OSError(text)


async def _connect(
    loop: asyncio.AbstractEventLoop,
    local: Sequence[Address],
    options: Iterable[SocketOption],
    remote: Address,
) -> socket.socket:
    """Create a socket and connect it to one address."""
    family, address = remote
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        for option in options:
            sock.setsockopt(*option)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if local:
            _bind(sock, local)
        try:
            await _connect_socket(loop, sock, address)
        except OSError as exc:
            # A host may have several addresses.
            raise OSError(exc.errno, f"{exc.strerror} at {address[0]}") from None
    except BaseException:
        sock.close()
        raise
    return sock


def _bind(sock: socket.socket, local: Sequence[Address]) -> None:
    """Bind to the first usable local address of the socket's family.

    Raises:
        OSError: none of them could be bound to.
    """
    failures: list[OSError] = []
    for family, address in local:
        if family == sock.family:
            try:
                sock.bind(address)
            except OSError as exc:
                failures.append(OSError(exc.errno, f"cannot bind to {address}: {exc.strerror}"))
            else:
                return
    if not failures:
        raise OSError(f"local_addr has no address of the family {sock.family.name}")
    raise failures[0]


async def _connect_socket(
    loop: asyncio.AbstractEventLoop, sock: socket.socket, address: Any
) -> None:
    if sys.platform == "win32" and isinstance(loop, asyncio.BaseEventLoop):
        # The default loop on Windows waits for completion, not for readiness.
        await loop.sock_connect(sock, address)
        return
    # `loop.sock_connect` resolves the address once more. That costs 19 us on asyncio and 50 us on
    # uvloop, where an IPv6 address also loses its zone.
    try:
        sock.connect(address)
    except BlockingIOError as exc:
        # On POSIX, this means that no connection was begun: there are no free ports or routes.
        if exc.errno == errno.EAGAIN and sys.platform != "win32":
            raise
    except InterruptedError:
        # A signal does not stop the connecting.
        pass
    else:
        return
    connected = loop.create_future()
    descriptor = sock.fileno()
    loop.add_writer(descriptor, _wake, connected)
    try:
        await connected
    finally:
        loop.remove_writer(descriptor)
    number = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if number:
        raise OSError(number, os.strerror(number))


def _wake(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)
