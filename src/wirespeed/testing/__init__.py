"""A scripted server for testing a program that uses WebSockets."""

from __future__ import annotations

from ._connection import ServerConnection
from ._recording import replay
from ._request import Request
from ._serve import Serving, refuse, serve
from ._server import Script

__all__ = ["Request", "Script", "ServerConnection", "Serving", "refuse", "replay", "serve"]
