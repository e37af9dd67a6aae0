"""The names of `aiohttp.hdrs`; without aiohttp, those of the headers of an opening handshake."""

from __future__ import annotations

from typing import Final

from multidict import istr

from wirespeed.compat.aiohttp._installed import finder

ACCEPT: Final = istr("Accept")
ACCEPT_ENCODING: Final = istr("Accept-Encoding")
ACCEPT_LANGUAGE: Final = istr("Accept-Language")
AUTHORIZATION: Final = istr("Authorization")
CACHE_CONTROL: Final = istr("Cache-Control")
CONNECTION: Final = istr("Connection")
CONTENT_LENGTH: Final = istr("Content-Length")
CONTENT_TYPE: Final = istr("Content-Type")
COOKIE: Final = istr("Cookie")
DATE: Final = istr("Date")
HOST: Final = istr("Host")
LOCATION: Final = istr("Location")
METH_GET: Final = "GET"
ORIGIN: Final = istr("Origin")
PROXY_AUTHORIZATION: Final = istr("Proxy-Authorization")
REFERER: Final = istr("Referer")
RETRY_AFTER: Final = istr("Retry-After")
SEC_WEBSOCKET_ACCEPT: Final = istr("Sec-WebSocket-Accept")
SEC_WEBSOCKET_EXTENSIONS: Final = istr("Sec-WebSocket-Extensions")
SEC_WEBSOCKET_KEY: Final = istr("Sec-WebSocket-Key")
SEC_WEBSOCKET_PROTOCOL: Final = istr("Sec-WebSocket-Protocol")
SEC_WEBSOCKET_VERSION: Final = istr("Sec-WebSocket-Version")
SERVER: Final = istr("Server")
SET_COOKIE: Final = istr("Set-Cookie")
UPGRADE: Final = istr("Upgrade")
USER_AGENT: Final = istr("User-Agent")
WWW_AUTHENTICATE: Final = istr("WWW-Authenticate")

__getattr__ = finder("hdrs")
