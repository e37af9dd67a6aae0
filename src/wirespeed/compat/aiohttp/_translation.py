"""Translates the parameters of `ws_connect` to those of `wirespeed.connect`.

Does not open connections.
"""

from __future__ import annotations

import functools
import ssl as tls
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from http.cookies import SimpleCookie
from typing import Any, TypeAlias
from urllib.parse import quote, urlencode, urlsplit, urlunsplit

from multidict import CIMultiDict

from ..._base.compression import Deflate
from ._arguments import DEFAULT_TIMEOUT, check_auth, unverified
from ._connection import Connection
from ._names import BasicAuth, ClientWSTimeout, Fingerprint

Pairs: TypeAlias = "Mapping[str, Any] | Iterable[tuple[str, Any]]"


def ws_timeout(timeout: Any, receive_timeout: float | None) -> ClientWSTimeout:
    """Combine the two parameters for the timeouts of an open WebSocket.

    Args:
        timeout: a `ClientWSTimeout`, or seconds for the closing handshake; `...` for the default.
        receive_timeout: seconds for each receive; `None` to use `timeout.ws_receive`.
    """
    if timeout is ...:
        timeout = DEFAULT_TIMEOUT
    elif not isinstance(timeout, ClientWSTimeout):
        _warn_number(
            "parameter 'timeout' of type 'float' is deprecated,"
            " please use 'timeout=ClientWSTimeout(ws_close"
        )
        timeout = ClientWSTimeout(ws_close=timeout)
    if receive_timeout is None:
        receive_timeout = timeout.ws_receive
    else:
        _warn_number(
            "float parameter 'receive_timeout' is deprecated,"
            " please use parameter 'timeout=ClientWSTimeout(ws_receive"
        )
    for name, seconds in (("ws_close", timeout.ws_close), ("ws_receive", receive_timeout)):
        if seconds is None:
            continue
        if isinstance(seconds, bool) or not isinstance(seconds, int | float):
            raise TypeError(f"{name} must be seconds or None, not {type(seconds).__name__}")
        if seconds < 0:
            raise ValueError(f"{name} must be 0 or more seconds, not {seconds}")
    return ClientWSTimeout(receive_timeout, timeout.ws_close)


def _warn_number(text: str) -> None:
    warnings.warn(f"{text}=...)'", DeprecationWarning, stacklevel=3)


def full_url(url: object, base_url: str | None, params: Pairs | str | None) -> str:
    """Return the URL to connect to.

    Args:
        url: a `str`, or a URL object such as `yarl.URL`; without a scheme it is relative to
            `base_url`.
        base_url: the base URL of the session; `None` if it has none.
        params: parameters to add to the query.
    """
    text = str(url)
    if base_url is not None and not urlsplit(text).scheme:
        base = urlsplit(base_url)
        path = text if text.startswith("/") else base.path + text
        text = f"{base.scheme}://{base.netloc}{path}"
    if not params:
        return text
    added = params if isinstance(params, str) else urlencode(_checked_params(params))
    parts = urlsplit(text)
    return urlunsplit(parts._replace(query="&".join(filter(None, (parts.query, added)))))


def _checked_params(params: Pairs) -> list[tuple[str, Any]]:
    pairs = list(params.items() if isinstance(params, Mapping) else params)
    for _, value in pairs:
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise TypeError(f"params must hold str, int or float, not {type(value).__name__}")
    return pairs


def full_headers(
    defaults: Pairs | None,
    headers: Pairs | None,
    *,
    cookies: Mapping[str, Any],
    auth: BasicAuth | None,
    origin: str | None,
) -> CIMultiDict[str]:
    """Combine the headers of a session and of a call; the call's replace those of the same name."""
    combined: CIMultiDict[str] = CIMultiDict(defaults or {})
    own: CIMultiDict[str] = CIMultiDict(headers or {})
    for name in own:
        combined.popall(name, None)
    combined.extend(own)
    if origin is not None:
        combined["Origin"] = origin
    if auth is not None:
        if "Authorization" in combined:
            raise ValueError("auth and the header Authorization exclude each other")
        combined["Authorization"] = auth.encode()
    if cookies:
        jar: SimpleCookie = SimpleCookie(combined.get("Cookie", ""))
        for name, value in cookies.items():
            jar[name] = value
        combined["Cookie"] = jar.output([], header="", sep=";").strip()
    return combined


def proxy_url(proxy: object, auth: BasicAuth | None, headers: Pairs | None) -> str | None:
    """Return the proxy's URL, with the credentials in it; `None` without a proxy."""
    check_auth("proxy_auth", auth)
    if headers:
        raise ValueError("proxy_headers cannot be sent; credentials go in proxy_auth")
    if proxy is None:
        if auth is not None:
            raise ValueError("proxy_auth is there without proxy")
        return None
    if auth is None:
        return str(proxy)
    parts = urlsplit(str(proxy))
    userinfo = f"{quote(auth.login, safe='')}:{quote(auth.password, safe='')}"
    return urlunsplit(parts._replace(netloc=f"{userinfo}@{parts.netloc.rpartition('@')[2]}"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """The other parameters of `ClientSession.ws_connect`."""

    protocols: Iterable[str]
    autoclose: bool
    autoping: bool
    heartbeat: float | None
    ssl: tls.SSLContext | bool | Fingerprint
    server_hostname: str | None
    proxy: str | bool | None
    compress: int
    max_msg_size: int
    decode_text: bool


def connect_options(wish: Wish) -> dict[str, Any]:
    """Return the keyword arguments of `wirespeed.connect` for these parameters."""
    options: dict[str, Any] = {
        "subprotocols": tuple(wish.protocols),
        "max_message_size": _size_limit(wish.max_msg_size),
        "decode_text": wish.decode_text,
        "ping_interval": wish.heartbeat,
        "create_connection": functools.partial(
            Connection, autoclose=wish.autoclose, autoping=wish.autoping
        ),
    }
    if wish.server_hostname is not None:
        options["server_hostname"] = wish.server_hostname
    if wish.heartbeat is not None:
        options["ping_timeout"] = wish.heartbeat / 2
    if wish.proxy is not None:
        options["proxy"] = wish.proxy
    if wish.compress:
        options["compression"] = _deflate(wish.compress)
    return options | _tls_options(wish.ssl)


def _tls_options(ssl: tls.SSLContext | bool | Fingerprint) -> dict[str, Any]:
    if isinstance(ssl, Fingerprint):
        return {"ssl": unverified(), "fingerprint": ssl.fingerprint}
    if isinstance(ssl, tls.SSLContext):
        return {"ssl": ssl}
    return {} if ssl else {"ssl": unverified()}


def _size_limit(max_msg_size: int) -> int | None:
    if isinstance(max_msg_size, bool) or not isinstance(max_msg_size, int):
        raise TypeError(f"max_msg_size must be an int, not {type(max_msg_size).__name__}")
    return max_msg_size or None


def _deflate(compress: int) -> Deflate:
    if isinstance(compress, bool) or not isinstance(compress, int):
        raise TypeError(f"compress must be an int, not {type(compress).__name__}")
    if not 9 <= compress <= 15:
        raise ValueError(f"compress must be 0, or from 9 to 15, not {compress}")
    return Deflate(server_max_window_bits=None if compress == 15 else compress)
