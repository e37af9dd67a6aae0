"""What a connector of `aiohttp` says about a WebSocket; its pool is for requests only."""

from __future__ import annotations

from typing import Any, Final

from ._installed import REAL
from ._own_types import TCPConnector as OwnConnector

_RESOLVERS: Final = ("AsyncResolver", "DefaultResolver", "ThreadedResolver")


def check_connector(connector: Any) -> None:
    """Check that WebSockets can be opened in the way that the connector asks for.

    Raises:
        TypeError: it is not a connector.
        ValueError: it resolves or opens sockets by itself.
    """
    kinds = (OwnConnector,) if REAL is None else (OwnConnector, REAL.BaseConnector)
    if not isinstance(connector, kinds):
        raise TypeError(f"connector must be a TCPConnector, not {type(connector).__name__}")
    if getattr(connector, "_socket_factory", None) is not None:
        raise ValueError("a connector with a socket_factory cannot open WebSockets")
    resolver = getattr(connector, "_resolver", None)
    if resolver is not None and type(resolver) not in {getattr(REAL, x) for x in _RESOLVERS}:
        raise ValueError(f"a connector with a {type(resolver).__name__} cannot open WebSockets")


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


def tls_setting(connector: Any) -> Any:
    """Return the TLS setting of the connector; `True` for the default."""
    # Without a default: a setting that is not found must not be ignored.
    return True if connector is None or hasattr(connector, "path") else connector._ssl
