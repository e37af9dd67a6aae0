"""`ClientConnection.protocol`: the state of a connection, as `websockets` has it."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Sequence
from typing import Any

from ..._base.compression import LARGEST_WINDOW_BITS
from ..._lifecycle.closing import Closing, closing_of
from ..._lifecycle.closing_table import State as OwnState
from ...connection import WebSocketConnection
from . import _types as theirs
from ._errors import Failure, came_first, check_close, closed_error, received_close, sent_close
from ._real import real_part

_STATES = {
    OwnState.OPEN: theirs.State.OPEN,
    OwnState.ANSWERING: theirs.State.OPEN,
    OwnState.CLOSED: theirs.State.CLOSED,
}


class ClientProtocol:
    """What was asked for, and the state of the connection.

    It does not read or write frames. `connect` makes it, and passes it to `create_connection`.

    Args:
        uri: the parsed URI.
        origin: the value of the header Origin.
        extensions: the extensions to offer.
        subprotocols: the subprotocols to offer.
        max_size: the limits for messages and for fragments.
        logger: the logger of the connection; `None` for "websockets.client".
    """

    def __init__(
        self,
        uri: theirs.WebSocketURI,
        *,
        origin: str | None = None,
        extensions: Sequence[Any] | None = None,
        subprotocols: Sequence[str] | None = None,
        max_size: int | tuple[int | None, int | None] | None = 2**20,
        logger: Any = None,
    ) -> None:
        self.uri = uri
        self.origin = origin
        self.available_extensions = extensions
        self.available_subprotocols = subprotocols
        self.max_message_size, self.max_fragment_size = (
            max_size if isinstance(max_size, tuple) else (max_size, None)
        )
        self.id = uuid.uuid4()
        self.side = theirs.Side.CLIENT
        self.logger = logging.getLogger("websockets.client") if logger is None else logger
        self.debug = self.logger.isEnabledFor(logging.DEBUG)
        # `None` until the connection is open.
        self.connection: WebSocketConnection | None = None

    @property
    def state(self) -> theirs.State:
        """The state of the connection (RFC 6455 section 4)."""
        if self.connection is None:
            return theirs.State.CONNECTING
        return _STATES.get(closing_of(self.connection).state, theirs.State.CLOSING)

    @property
    def subprotocol(self) -> str | None:
        """The subprotocol that the server chose; `None` without one."""
        return None if self.connection is None else self.connection.subprotocol

    @property
    def extensions(self) -> list[Any]:
        """The extensions in use: permessage-deflate, or none.

        An object of the installed `websockets`; without it, the settings as a `Deflate`.
        """
        agreed = None if self.connection is None else self.connection.compression
        if agreed is None:
            return []
        module = real_part("extensions.permessage_deflate")
        if module is None:
            return [agreed]
        return [
            module.PerMessageDeflate(
                agreed.server_no_context_takeover,
                agreed.client_no_context_takeover,
                agreed.server_max_window_bits or LARGEST_WINDOW_BITS,
                agreed.client_max_window_bits or LARGEST_WINDOW_BITS,
            )
        ]

    @property
    def close_code(self) -> int | None:
        """The code that was received, 1006 without a Close frame; `None` until closed."""
        if self.state is not theirs.State.CLOSED:
            return None
        close = self.close_rcvd
        return theirs.CloseCode.ABNORMAL_CLOSURE if close is None else close.code

    @property
    def close_reason(self) -> str | None:
        """The reason that was received, empty without one; `None` until closed."""
        if self.state is not theirs.State.CLOSED:
            return None
        close = self.close_rcvd
        return "" if close is None else close.reason

    @property
    def close_rcvd(self) -> theirs.Close | None:
        """What the server's Close frame said; `None` if none arrived."""
        closing = self._closing()
        return None if closing is None else received_close(closing)

    @property
    def close_sent(self) -> theirs.Close | None:
        """What our Close frame said; `None` if none was sent."""
        closing = self._closing()
        return None if closing is None else sent_close(closing)

    @property
    def close_rcvd_then_sent(self) -> bool | None:
        """Whether the server's Close frame came first; `None` unless there are both."""
        closing = self._closing()
        return None if closing is None else came_first(closing)

    @property
    def close_exc(self) -> theirs.ConnectionClosed:
        """The error of a call on the closed connection.

        Raises:
            AssertionError: it is not closed yet.
        """
        closing = self._closing()
        if closing is None or self.state is not theirs.State.CLOSED:
            raise AssertionError("connection isn't closed yet")
        return closed_error(closing)

    def fail(self, code: int, reason: str = "") -> None:
        """Fail the connection: send a Close frame, and ignore what the server sends."""
        check_close(code, reason)
        closing = self._closing()
        if closing is not None:
            closing.fail(Failure(reason, code))

    def _closing(self) -> Closing | None:
        return None if self.connection is None else closing_of(self.connection)
