"""Logs the head of each request and response at DEBUG, with the logger `wirespeed.handshake`.

Does not log what may be a secret: credentials, cookies, tokens, and the query of a URL.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable
from typing import Final

_logger = logging.getLogger("wirespeed.handshake")

_HIDDEN: Final = "(hidden)"
_SECRET_NAME: Final = re.compile(r"auth|cookie|token|secret|passw|credential|session|key|signature")
_OWN_NAMES: Final = frozenset({"sec-websocket-key"})
_USERINFO: Final = re.compile("(?<=:)//[^/@]*@")
_URL_NAMES: Final = frozenset({"location", "referer"})
# Some services take a token as a subprotocol; no name is as long as one.
_SUBPROTOCOL_NAME: Final = "sec-websocket-protocol"
_LONG: Final = 32


def log_request(make_head: Callable[[], bytes]) -> None:
    """Log the head of a request that is about to be sent; it is made only if that is wanted."""
    if not _logger.isEnabledFor(logging.DEBUG):
        return
    line, *fields = make_head().decode("latin-1").rstrip("\r\n").split("\r\n")
    method, target, version = line.split(" ")
    _logger.debug("> %s %s %s", method, _without_query(target), version)
    _log_headers(">", (_split(field) for field in fields))


def log_response(status: int, reason: str, headers: Iterable[tuple[str, str]]) -> None:
    """Log the head of a response."""
    if not _logger.isEnabledFor(logging.DEBUG):
        return
    _logger.debug("< %d %s", status, reason)
    _log_headers("<", headers)


def _split(field: str) -> tuple[str, str]:
    name, _, value = field.partition(": ")
    return name, value


def _log_headers(arrow: str, headers: Iterable[tuple[str, str]]) -> None:
    for name, value in headers:
        _logger.debug("%s %s: %s", arrow, name, _shown(name.lower(), value))


def _shown(name: str, value: str) -> str:
    if name == _SUBPROTOCOL_NAME:
        items = [item.strip() for item in value.split(",")]
        return ", ".join(_HIDDEN if len(item) > _LONG else item for item in items)
    if name in _URL_NAMES:
        return _without_query(value)
    return _HIDDEN if name not in _OWN_NAMES and _SECRET_NAME.search(name) else value


def _without_query(target: str) -> str:
    path, mark, _ = _USERINFO.sub(f"//{_HIDDEN}@", target).partition("?")
    return f"{path}?{_HIDDEN}" if mark else path
