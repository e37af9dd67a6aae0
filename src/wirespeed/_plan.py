"""What the caller of `connect` asked for, ready to open any number of connections with.

Knows nothing of event loops; each part is checked by the module that uses it.
"""

from __future__ import annotations

import ssl as tls
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ._request import Ask


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """How the host of a URL is reached.

    Attributes:
        ssl: the TLS context; `None` or `True` for a default one.
        server_hostname: the name to ask for and to verify in TLS; `None` for the URL's host.
    """

    ssl: tls.SSLContext | bool | None = None
    server_hostname: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """All of it.

    Attributes:
        url: where to.
        ask: what to say there.
        route: how to get there.
        open_timeout: seconds until the connection must be open; `None` for no limit.
        options: the keyword arguments of `WebSocketConnection`.
    """

    url: str
    ask: Ask
    route: Route
    open_timeout: float | None
    options: Mapping[str, Any]
