"""What an opening agreed on: the one value that a connection is opened with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .compression import Deflate
    from .response import Response
    from .timings import Timings


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """What the opening handshake agreed on, and where it led.

    Attributes:
        response: the server's response, with the redirects before it.
        subprotocol: the subprotocol that the server chose; `None` for none.
        compression: the compression in use; `None` for none.
        timings: how long each phase of the opening took.
        remote_address: the address of the peer, or of the proxy.
        local_address: the address of our socket; `None` if the transport can always tell it.
        shown_url: the URL for the log, without user name and query; `None` if the end of the
            connection is not logged.
    """

    response: Response
    subprotocol: str | None
    compression: Deflate | None
    timings: Timings
    remote_address: Any = None
    local_address: Any = None
    shown_url: str | None = None
