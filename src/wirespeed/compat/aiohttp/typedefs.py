"""The names of `aiohttp.typedefs`; without aiohttp, those that a WebSocket's arguments have."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypeAlias

from wirespeed.compat.aiohttp._installed import finder, prefer_aiohttp

DEFAULT_JSON_DECODER: Final = json.loads
DEFAULT_JSON_ENCODER: Final = json.dumps
JSONBytesEncoder: TypeAlias = Callable[[Any], bytes]
JSONDecoder: TypeAlias = Callable[[str], Any]
JSONEncoder: TypeAlias = Callable[[Any], str]
LooseCookies: TypeAlias = Mapping[str, Any] | Iterable[tuple[str, Any]]
LooseHeaders: TypeAlias = Mapping[str, str] | Iterable[tuple[str, str]]
Query: TypeAlias = str | Mapping[str, Any] | Iterable[tuple[str, Any]] | None
StrOrURL: TypeAlias = Any

__all__ = [
    "DEFAULT_JSON_DECODER",
    "DEFAULT_JSON_ENCODER",
    "JSONBytesEncoder",
    "JSONDecoder",
    "JSONEncoder",
    "LooseCookies",
    "LooseHeaders",
    "Query",
    "StrOrURL",
]

prefer_aiohttp("typedefs", globals(), __all__)

__getattr__ = finder("typedefs")
