"""The WebSockets of aiohttp's own sessions: what `wirespeed.compat.install` puts in their place.

Requests, and everything else of a session, stay aiohttp's.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Coroutine
from typing import Any, Final

from ._response import ClientWebSocketResponse
from ._session import ClientSession, Opening

# For each session of aiohttp that has opened a WebSocket, the one that has opened it.
_faces: Final[weakref.WeakKeyDictionary[Any, ClientSession]] = weakref.WeakKeyDictionary()


def ws_connect(session: Any, url: object, **options: Any) -> Opening:
    """Open a WebSocket with the settings of a session of aiohttp.

    Args:
        session: the session.
        url: as for `ClientSession.ws_connect`.
        options: as for `ClientSession.ws_connect`.
    """

    async def opened() -> ClientWebSocketResponse:
        if session.closed:
            raise RuntimeError("Session is closed")
        return await _face_of(session).ws_connect(url, **options)

    return Opening(opened())


def closing_both(close: Callable[[Any], Coroutine[Any, Any, None]]) -> Callable[[Any], Any]:
    """Return a `close` for sessions of aiohttp that closes their WebSockets first."""

    async def close_both(session: Any) -> None:
        face = _faces.pop(session, None)
        if face is not None:
            await face.close()
        await close(session)

    return close_both


def _face_of(session: Any) -> ClientSession:
    face = _faces.get(session)
    if face is None:
        # The session tells the names with an underscore to nobody else.
        face = _faces[session] = ClientSession(
            session._base_url,
            connector=session.connector,
            connector_owner=False,
            cookie_jar=session.cookie_jar,
            auth=session.auth,
            timeout=session.timeout,
            trust_env=session.trust_env,
            proxy=session._default_proxy,
            proxy_auth=session._default_proxy_auth,
            ws_response_class=session._ws_response_class,
        )
        # The same multidict: programs change it.
        face._headers = session.headers
    return face
