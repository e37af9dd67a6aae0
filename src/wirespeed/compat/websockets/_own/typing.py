"""The types in the signatures of `websockets`."""

from __future__ import annotations

import http
import logging
import os
from typing import Any, NewType, TypeAlias

__all__ = [
    "BytesLike",
    "Data",
    "DataLike",
    "ExtensionName",
    "ExtensionParameter",
    "LoggerLike",
    "Origin",
    "PathLike",
    "StatusLike",
    "Subprotocol",
]

Data = str | bytes
BytesLike = bytes | bytearray | memoryview
DataLike = str | bytes | bytearray | memoryview
LoggerLike: TypeAlias = "logging.Logger | logging.LoggerAdapter[Any]"
PathLike: TypeAlias = "str | bytes | os.PathLike[str] | os.PathLike[bytes]"
StatusLike = http.HTTPStatus | int
Origin = NewType("Origin", str)
Subprotocol = NewType("Subprotocol", str)
ExtensionName = NewType("ExtensionName", str)
ExtensionParameter = tuple[str, str | None]
