"""The names that programs import from `aiohttp`, in the drop-in, with and without aiohttp."""

from __future__ import annotations

import importlib
import subprocess
import sys
from typing import Any

import aiohttp as real
import pytest
from compat_programs import ALONE

from wirespeed.compat import aiohttp

SUBMODULES = (
    "client",
    "client_exceptions",
    "client_ws",
    "hdrs",
    "http",
    "http_websocket",
    "typedefs",
)
# What the drop-in has of its own, also where aiohttp is installed.
OWN = {"BasicAuth", "ClientSession", "ClientWebSocketResponse", "WSMessage"}
# aiohttp has these only where gunicorn is installed.
OPTIONAL = {"GunicornUVLoopWebWorker", "GunicornWebWorker"}


def names_of(module: Any) -> set[str]:
    """Return the public names of a module of aiohttp that are not modules."""
    public = getattr(module, "__all__", None) or vars(module)
    return {name for name in public if name[0].isalpha()} - OPTIONAL


@pytest.mark.parametrize("name", sorted(names_of(real)))
def test_every_name_of_aiohttp(name: str) -> None:
    found = getattr(aiohttp, name)
    if name not in OWN | {"hdrs"}:
        assert found is getattr(real, name)


@pytest.mark.parametrize("module", SUBMODULES)
def test_every_name_of_a_module(module: str) -> None:
    theirs = importlib.import_module(f"aiohttp.{module}")
    for ours in (
        importlib.import_module(f"wirespeed.compat.aiohttp.{module}"),
        getattr(aiohttp, module),
    ):
        for name in names_of(theirs):
            expected = getattr(theirs, name)
            assert getattr(ours, name) == expected or name in OWN
        for name in OWN & names_of(theirs):
            assert getattr(ours, name) is getattr(aiohttp, name)
        with pytest.raises(AttributeError):
            _ = ours.nonsense


@pytest.mark.parametrize("module", ["web", "abc", "helpers", "resolver", "test_utils"])
def test_other_modules_are_those_of_aiohttp(module: str) -> None:
    assert getattr(aiohttp, module) is importlib.import_module(f"aiohttp.{module}")


def test_what_is_the_drop_ins_own_is_a_kind_of_what_aiohttp_has() -> None:
    assert issubclass(aiohttp.ClientWebSocketResponse, real.ClientWebSocketResponse)
    assert issubclass(aiohttp.BasicAuth, real.BasicAuth)


PROGRAM = """
import sys
if {blocked}:
    sys.modules["aiohttp"] = None
from wirespeed.compat import aiohttp
sys.modules["aiohttp"] = aiohttp

import aiohttp as program
from aiohttp import ClientSession, ClientTimeout, WSMsgType, hdrs
from aiohttp.client_exceptions import ClientConnectorError, ClientError, WSServerHandshakeError
from aiohttp.client_ws import ClientWebSocketResponse
from aiohttp.hdrs import AUTHORIZATION, SEC_WEBSOCKET_PROTOCOL
from aiohttp.http import WSCloseCode, WSMsgType as in_http
from aiohttp.http_websocket import WSMessage, WSMsgType as in_http_websocket
from aiohttp.typedefs import LooseHeaders, StrOrURL

assert program.ClientError is ClientError is program.client_exceptions.ClientError
assert issubclass(ClientConnectorError, ClientError)
assert WSMsgType is in_http is in_http_websocket is program.http.WSMsgType
assert ClientSession is aiohttp.ClientSession
assert issubclass(program.ClientWebSocketResponse, ClientWebSocketResponse)
assert hdrs.AUTHORIZATION == AUTHORIZATION == "Authorization"
try:
    raise program.ServerDisconnectedError
except program.client_exceptions.ClientConnectionError as error:
    assert str(error) == "Server disconnected"
"""


@pytest.mark.parametrize("blocked", [False, True], ids=["installed", "not installed"])
def test_in_the_place_of_aiohttp(blocked: bool) -> None:
    subprocess.run([sys.executable, "-P", "-c", PROGRAM.format(blocked=blocked)], check=True)


def test_the_version_is_that_of_aiohttp() -> None:
    assert aiohttp.__version__ == real.__version__


@pytest.mark.parametrize("name", sorted(set(aiohttp.__all__) - {"MsgType", "ws_connect"}))
def test_without_aiohttp_the_names_are_the_same(name: str) -> None:
    ours, theirs = getattr(ALONE, name), getattr(real, name)
    assert ours is not theirs
    assert ours.__name__ == theirs.__name__ or name == "WSMessage"
    if isinstance(theirs, type) and issubclass(theirs, Exception):
        bases = [base.__name__ for base in theirs.__mro__]
        assert [base.__name__ for base in ours.__mro__] == bases
