"""Opens one connection: the transport, the opening handshake, and one deadline over both."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, replace
from ssl import SSLError
from typing import TYPE_CHECKING, Any, Final

from .._base.arguments import check_count, check_seconds
from .._base.opened import Opened
from .._base.timings import Phases
from .._base.transport_info import extra_info
from .._handshake.opening_handshake import OpeningHandshake
from .._lifecycle.frame_log import log_opening, traced
from .._network.tls_failure import Place, tls_failure
from .._network.transport import SocketTransport, open_transport
from ..connection import WebSocketConnection
from ..exceptions import HandshakeError, OpenTimeout, ProxyError
from .handshake_log import log_request, log_response
from .plan import Plan
from .redirects import Trail

if TYPE_CHECKING:
    from .._channel import ChannelProtocol

# An aborted transport closes its socket in the next turn of the event loop.
ABORT_SECONDS: Final = 1.0


async def open_connection(plan: Plan) -> WebSocketConnection:
    """Open a connection and follow redirects; on failure leave nothing open but a given socket.

    Safe to cancel.

    Raises:
        InvalidURL, HandshakeError, OpenTimeout, OSError: as `connect` does.
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
            if refusal.status is not None:
                log_response(refusal.status, refusal.reason, refusal.headers.items())
            trail.follow(refusal)


async def _open_one(
    plan: Plan, trail: Trail, phases: Phases, when: float | None
) -> WebSocketConnection:
    """Open a connection to the current URL of `trail`, without following another redirect.

    Args:
        plan: the arguments of `connect`.
        trail: the URL to connect to, and what to ask for.
        phases: the clock of the opening.
        when: the time of the loop at which the connection must be open; `None` for no limit.
    """
    opening = OpeningHandshake(trail.url, trail.ask, follows_redirects=trail.follows)
    try:
        async with asyncio.timeout_at(when) as deadline:
            return await _shake_hands(plan, trail, opening, phases)
    except TimeoutError as exc:
        if not deadline.expired():
            raise
        raise _timed_out(plan, opening, phases, exc) from exc


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
            attempt.send_request()
            await attempt.opened
        except BaseException as exc:
            transport.abort()
            await _wait_for_end(connection)
            if isinstance(exc, HandshakeError) and isinstance(exc.__cause__, SSLError):
                # With TLS 1.3, the server judges the client after the client's handshake is over.
                place = Place(trail.url.host, trail.url.port)
                raise tls_failure(exc.__cause__, place, place.host) from exc.__cause__
            raise
    except BaseException:
        attempt.give_up()
        raise
    return connection


async def _wait_for_end(connection: WebSocketConnection) -> None:
    """Wait until an aborted transport has closed its socket, but not for one that never does."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(ABORT_SECONDS):
            await connection.wait_closed()


@dataclass(slots=True)
class _Attempt:
    """One opening handshake on one transport.

    Attributes:
        connection: the connection to open.
        trail: the URL to connect to, and the redirects so far.
        opening: the handshake.
        phases: the clock of the opening.
        opened: done when the connection is open, or the handshake has failed.
        protocol: the transport's protocol; `None` before it is made.
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

    def send_request(self) -> None:
        """Send the request: the transport is ready."""
        if self.protocol is not None:
            log_request(self.opening.request)
            self.protocol.send_request()

    def _agree(self, transport: Any) -> Opened:
        """Return the results of the handshake at its end, or raise `HandshakeError`."""
        response = self.opening.result()
        log_response(response.status, response.reason, response.headers.items())
        if self.trail.history:
            response = replace(response, history=self.trail.history)
        if self.phases.current != "upgrade":
            # The response arrived before the transport was returned.
            self.phases.enter("upgrade")
        self.phases.finish()
        # Our transport returns its local address at any time; keeping it here would take memory.
        is_own = isinstance(transport, SocketTransport)
        return Opened(
            response=response,
            subprotocol=self.opening.subprotocol,
            compression=self.opening.compression,
            timings=self.phases.timings(),
            remote_address=extra_info(transport, "peername"),
            local_address=None if is_own else extra_info(transport, "sockname"),
            shown_url=log_opening(self.trail.url),
        )

    def give_up(self) -> None:
        """Clean up after a failure."""
        is_open = self.opened.done() and not self.opened.cancelled()
        if is_open and self.opened.exception() is None and self.protocol is not None:
            # If we were cancelled after the answer came, uvloop closes the transport without
            # calling the protocol: the connection's timers would continue. Nothing can be written
            # to the transport any more.
            self.protocol.pause_writing()
            self.protocol.connection_lost(None)
        # If we were cancelled during the connect, nobody awaits this future.
        self.opened.cancel()


def _timed_out(
    plan: Plan, opening: OpeningHandshake, phases: Phases, timeout: TimeoutError
) -> HandshakeError:
    """Make the error of a connection that was not open in time; `timeout` is the deadline's."""
    # The deadline cancels; `connect_through` leaves a refusal as the cause of the cancellation.
    if timeout.__cause__ is not None and isinstance(timeout.__cause__.__cause__, ProxyError):
        return timeout.__cause__.__cause__
    try:
        opening.result()
    except HandshakeError as refusal:
        if opening.is_answered:
            # The server refused in time; only the body was late.
            return refusal
    return OpenTimeout(
        f"connection was not open within {plan.open_timeout} seconds,"
        f" the time ran out in the phase {phases.current}",
        phase=phases.current,
    )
