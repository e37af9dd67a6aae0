"""What the integration tests vary: the kind of transport, TLS, the server's package.

Must not connect: the tests do.
"""

from __future__ import annotations

import importlib
import ssl

import pytest
from integration.ends import Tls
from servers import SERVERS, ServerFactory

import wirespeed._dial


@pytest.fixture(params=["fast", "stock"])
def transports(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the client use the fastest transports, then those of the event loop itself."""
    if request.param == "stock":
        monkeypatch.setattr(wirespeed._dial, "_calls_readers", lambda loop: False)
    else:
        # A test dependency: without it this would silently be the other case again.
        importlib.import_module("aiofastnet")


@pytest.fixture(params=["plain", "tls"])
def tls(
    request: pytest.FixtureRequest, server_ssl: ssl.SSLContext, client_ssl: ssl.SSLContext
) -> Tls:
    """Give the contexts for both ends, `None` for a plain connection."""
    return Tls(server_ssl, client_ssl) if request.param == "tls" else Tls(None, None)


@pytest.fixture(params=SERVERS)
def serve(request: pytest.FixtureRequest) -> ServerFactory:
    """Give the function that starts a server of one package."""
    return SERVERS[request.param]
