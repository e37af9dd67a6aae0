"""Checks of the headers of a response with status 101.

No error text quotes a header value that could be a secret.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from multidict import CIMultiDictProxy

QUOTED_CHARACTERS: Final = 80


def switch_fault(headers: CIMultiDictProxy[str], *, accept: str) -> str | None:
    """Return the fault of the headers of a 101 response; `None` if valid (RFC 6455 section 4.1).

    Does not check Sec-WebSocket-Protocol; see `subprotocol_fault`.

    Args:
        headers: the headers of the response.
        accept: the expected value of Sec-WebSocket-Accept.
    """
    return _upgrade_fault(headers) or _connection_fault(headers) or _accept_fault(headers, accept)


def _quoted(values: Iterable[str]) -> str:
    return repr(", ".join(values)[:QUOTED_CHARACTERS])


def list_items(values: Iterable[str]) -> list[str]:
    """Return the list items of all headers of one name (RFC 9110 section 5.6.1)."""
    return [item for part in ",".join(values).split(",") if (item := part.strip(" \t"))]


def _upgrade_fault(headers: CIMultiDictProxy[str]) -> str | None:
    items = list_items(headers.getall("Upgrade", ()))
    # Some servers and the proxies before them each add it.
    if items and all(item.lower() == "websocket" for item in items):
        return None
    came = f"is {_quoted(items)}" if items else "is missing"
    return f"header Upgrade {came}, 'websocket' was expected (RFC 6455 section 4.1)"


def _connection_fault(headers: CIMultiDictProxy[str]) -> str | None:
    items = list_items(headers.getall("Connection", ()))
    if "upgrade" in map(str.lower, items):
        return None
    came = f"is {_quoted(items)}" if items else "is missing"
    return f"header Connection {came}, 'Upgrade' was expected (RFC 6455 section 4.1)"


def _accept_fault(headers: CIMultiDictProxy[str], expected: str) -> str | None:
    values = headers.getall("Sec-WebSocket-Accept", [])
    if values and all(value == expected for value in values):
        return None
    came = "is missing"
    if values:
        came = f"is {_quoted(values)}" if len(values) == 1 else f"is there {len(values)} times"
    return f"header Sec-WebSocket-Accept {came}, {expected!r} was expected (RFC 6455 section 4.1)"


def subprotocol_fault(values: Sequence[str], offered: tuple[str, ...]) -> str | None:
    """Return the fault of the server's subprotocol; `None` if valid (RFC 6455 section 4.1).

    Args:
        values: the values of Sec-WebSocket-Protocol that are not empty.
        offered: the subprotocols that the server may choose from.
    """
    if not values or (len(values) == 1 and values[0] in offered):
        return None
    if len(values) > 1:
        return (
            f"header Sec-WebSocket-Protocol is there {len(values)} times, once is allowed"
            " (RFC 6455 section 11.3.4)"
        )
    expected = "which was not offered" if offered else "none was offered"
    return f"server chose the subprotocol {_quoted(values)}, {expected} (RFC 6455 section 4.1)"
