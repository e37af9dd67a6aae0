"""One connection opened to plan: the transport, the opening handshake, and one deadline over both.

Must not know of frames, or of what is done with the connection.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace

from .._base.arguments import check_count, check_seconds
from .._base.response import Response
from .._base.timings import Phases
from .._handshake.opening_handshake import OpeningHandshake
from .._handshake.url import URL
from .._lifecycle.frame_log import tell_of_opening, traced
from .._network.transport import SocketTransport, open_transport
from ..connection import WebSocketConnection
from ..exceptions import HandshakeError, OpenTimeout
from .plan import Plan
from .redirects import Trail


async def open_connection(plan: Plan) -> WebSocketConnection:
    """Open a connection, wherever redirects lead to, or leave nothing open but a given socket.

    Safe to cancel.

    Raises:
        InvalidURL, HandshakeError, OpenTimeout, OSError: as `connect` tells.
        TypeError, ValueError: an argument of `connect` cannot be used.
    """
    check_count("max_redirects", plan.max_redirects)
    check_seconds("open_timeout", plan.open_timeout)
    trail = Trail(plan)
    phases = Phases()
    loop = asyncio.get_running_loop()
    when = None if plan.open_timeout is None else loop.time() + plan.open_timeout
    while True:
        try:
            connection = await _open_one(plan, trail, phases, when)
        except HandshakeError as refusal:
            trail.follow(refusal)
        else:
            if trail.history:
                connection._response = replace(connection.response, history=trail.history)
            return connection


async def _open_one(
    plan: Plan, trail: Trail, phases: Phases, when: float | None
) -> WebSocketConnection:
    """Open a connection to where the trail has come, without following another redirect.

    Args:
        plan: how to get there.
        trail: whom to ask, and what.
        phases: is told of each phase.
        when: the time of the loop at which it must be open; `None` for no limit.
    """
    url = trail.url
    opening = OpeningHandshake(url, trail.ask, follows_redirects=trail.follows)
    loop = asyncio.get_running_loop()
    connection = plan.create_connection(loop, **plan.options)
    connection._phases = phases
    opened: asyncio.Future[Response] = loop.create_future()
    try:
        async with asyncio.timeout_at(when) as deadline:
            await _shake_hands(plan, url, connection, opening, opened)
    except TimeoutError as exc:
        if not deadline.expired():
            raise
        raise _timed_out(plan, opening, phases) from exc
    finally:
        # Cancelled while the transport was being made: nobody waits for this any more.
        if not opened.cancel() and not opened.cancelled():
            opened.exception()
    return connection


async def _shake_hands(
    plan: Plan,
    url: URL,
    connection: WebSocketConnection,
    opening: OpeningHandshake,
    opened: asyncio.Future[Response],
) -> None:
    phases = connection._phases
    try:
        transport = await open_transport(
            url,
            lambda protocol_class: traced(protocol_class)(connection, opening, opened),
            plan.route,
            phases,
        )
    except BaseException:
        if opened.done():
            # Cancelled after the answer has come, uvloop closes the transport and tells nobody:
            # the timers of the connection would go on. Nothing can be written to it any more.
            connection._outbox.pause_writing()
            connection._on_lost(None)
        raise
    phases.enter("upgrade")
    try:
        connection._remote_address = transport.get_extra_info("peername")
        # Ours tells it as long as there is a socket; to keep it would take memory.
        if not isinstance(transport, SocketTransport):
            connection._local_address = transport.get_extra_info("sockname")
        connection._response = await opened
        connection._subprotocol = opening.subprotocol
        tell_of_opening(connection, url)
        connection._compression = opening.compression
    except BaseException:
        transport.abort()
        # Until then the socket is open.
        await connection.wait_closed()
        raise
    phases.finish()


def _timed_out(plan: Plan, opening: OpeningHandshake, phases: Phases) -> HandshakeError:
    """Make the error for a connection that is not open in time."""
    try:
        opening.result()
    except HandshakeError as refusal:
        if opening.is_answered:
            # Refused in time; only the body was late.
            return refusal
    return OpenTimeout(
        f"connection was not open within {plan.open_timeout} seconds,"
        f" the time ran out in the phase {phases.current}",
        phase=phases.current,
    )
