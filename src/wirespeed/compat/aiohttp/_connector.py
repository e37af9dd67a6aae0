"""What a connector of `aiohttp` says about a WebSocket; its pool is for requests only."""

from __future__ import annotations

import socket
from collections.abc import Awaitable, Callable
from typing import Any

from ._installed import REAL
from ._own_types import TCPConnector as OwnConnector


def check_connector(connector: Any) -> None:
    """Check that WebSockets can be opened in the way that the connector asks for.

    Raises:
        TypeError: it is not a connector.
        ValueError: it makes sockets by itself.
    """
    kinds = (OwnConnector,) if REAL is None else (OwnConnector, REAL.BaseConnector)
    if not isinstance(connector, kinds):
        raise TypeError(f"connector must be a TCPConnector, not {type(connector).__name__}")
    if getattr(connector, "_socket_factory", None) is not None:
        raise ValueError("a connector with a socket_factory cannot open WebSockets")


def route_options(connector: Any) -> dict[str, Any]:
    """Return the keyword arguments of `wirespeed.connect` for the route to the host."""
    if connector is None:
        return {}
    options: dict[str, Any] = {}
    path = getattr(connector, "path", None)
    if path is not None:
        options["unix_path"] = path
    family = getattr(connector, "_family", 0)
    if family:
        options["family"] = family
    local = _local_address(connector)
    if local is not None:
        options["local_addr"] = local
    return options


def _local_address(connector: Any) -> tuple[str, int] | None:
    if isinstance(connector, OwnConnector):
        return connector._local_addr
    infos = getattr(connector, "_local_addr_infos", None)
    return (str(infos[0][-1][0]), int(infos[0][-1][1])) if infos else None


def resolve_of(
    connector: Any,
) -> Callable[[str, int, int], Awaitable[list[tuple[int, Any]]]] | None:
    """Return a function that finds addresses as the connector does; `None` for the system's way."""
    resolver = getattr(connector, "_resolver", None)
    if resolver is None or (REAL is not None and type(resolver) is REAL.ThreadedResolver):
        return None

    async def resolve(host: str, port: int, family: int) -> list[tuple[int, Any]]:
        try:
            found = await resolver.resolve(host, port, family)
        except socket.gaierror:
            raise
        except OSError as exc:
            # So that it is told from the errors of connecting.
            raise socket.gaierror(exc.errno, exc.strerror or str(exc)) from exc
        return [(result["family"], (result["host"], result["port"])) for result in found]

    return resolve


def tls_setting(connector: Any) -> Any:
    """Return the TLS setting of the connector; `True` for the default."""
    # Without a default: a setting that is not found must not be ignored.
    return True if connector is None or hasattr(connector, "path") else connector._ssl
