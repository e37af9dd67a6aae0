"""Opens one connection: the transport, the opening handshake, and one deadline over both."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from .._base.arguments import check_count, check_seconds
from .._base.opened import Opened
from .._base.timings import Phases
from .._handshake.opening_handshake import OpeningHandshake
from .._lifecycle.frame_log import log_opening, traced
from .._network.transport import SocketTransport, open_transport
from ..connection import WebSocketConnection
from ..exceptions import HandshakeError, OpenTimeout
from .plan import Plan
from .redirects import Trail

if TYPE_CHECKING:
    from .._channel import ChannelProtocol


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
            return await _open_one(plan, trail, phases, when)
        except HandshakeError as refusal:
            trail.follow(refusal)


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
    opening = OpeningHandshake(trail.url, trail.ask, follows_redirects=trail.follows)
    try:
        async with asyncio.timeout_at(when) as deadline:
            return await _shake_hands(plan, trail, opening, phases)
    except TimeoutError as exc:
        if not deadline.expired():
            raise
        raise _timed_out(plan, opening, phases) from exc


async def _shake_hands(
    plan: Plan, trail: Trail, opening: OpeningHandshake, phases: Phases
) -> WebSocketConnection:
    loop = asyncio.get_running_loop()
    connection = plan.create_connection(loop, **plan.options)
    attempt = _Attempt(connection, trail, opening, phases, loop.create_future())
    try:
        transport = await open_transport(trail.url, attempt.make_protocol, plan.route, phases)
        phases.enter("upgrade")
        try:
            await attempt.opened
        except BaseException:
            transport.abort()
            # Until then the socket is open.
            await connection.wait_closed()
            raise
    except BaseException:
        attempt.give_up()
        raise
    return connection


@dataclass(slots=True)
class _Attempt:
    """What one opening handshake on one transport has to do with.

    Attributes:
        connection: to open.
        trail: where it is opened to.
        opening: the handshake.
        phases: the clock of the opening.
        opened: done when the connection is open, or the handshake has failed.
        protocol: the transport's protocol, once it was made.
    """

    connection: WebSocketConnection
    trail: Trail
    opening: OpeningHandshake
    phases: Phases
    opened: asyncio.Future[None]
    protocol: ChannelProtocol | None = None

    def make_protocol(self, protocol_class: type[ChannelProtocol]) -> Any:
        """Make the protocol of a new transport."""
        make = traced(protocol_class)
        self.protocol = make(self.connection, self.opening, self._agree, self.opened)
        return self.protocol

    def _agree(self, transport: Any) -> Opened:
        """Return what was agreed on at the end of the handshake, or raise `HandshakeError`."""
        response = self.opening.result()
        if self.trail.history:
            response = replace(response, history=self.trail.history)
        if self.phases.current != "upgrade":
            # The answer has come before the transport was handed over.
            self.phases.enter("upgrade")
        self.phases.finish()
        # Ours tells its name as long as there is a socket; to keep it would take memory.
        is_own = isinstance(transport, SocketTransport)
        return Opened(
            response=response,
            subprotocol=self.opening.subprotocol,
            compression=self.opening.compression,
            timings=self.phases.timings(),
            remote_address=transport.get_extra_info("peername"),
            local_address=None if is_own else transport.get_extra_info("sockname"),
            shown_url=log_opening(self.trail.url),
        )

    def give_up(self) -> None:
        """Leave nothing behind after a failure."""
        is_open = self.opened.done() and not self.opened.cancelled()
        if is_open and self.opened.exception() is None and self.protocol is not None:
            # Cancelled after the answer has come, uvloop closes the transport and tells nobody:
            # the timers of the connection would go on. Nothing can be written to it any more.
            self.protocol.pause_writing()
            self.protocol.connection_lost(None)
        # If we were cancelled during the connect, nobody awaits this future.
        self.opened.cancel()


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
