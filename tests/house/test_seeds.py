"""docs/seeds.md lists all that programs for the two other clients use, with a test of each."""

from __future__ import annotations

import inspect
import re

import pytest
from house.project import ROOT

from wirespeed import ProtocolHandler, WebSocketClient, web_socket_client
from wirespeed.compat import aiohttp
from wirespeed.web_socket_client import WebSocketConnection

PAGE = (ROOT / "docs" / "seeds.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| `([^`]+)` \| (.+) \| `([^`]+)` \|$", PAGE, re.MULTILINE)

SONIC_CLASSES = {
    WebSocketClient: "connect",
    WebSocketConnection: (
        "OPCODE_BINARY OPCODE_CLOSE OPCODE_PING OPCODE_PONG OPCODE_TEXT close connected ping"
        " receive_bytes receive_json receive_pong receive_protocol receive_text send_bytes"
        " send_json send_protocol send_text start_keep_alive stop_keep_alive"
    ),
    ProtocolHandler: "name encode decode",
}
SONIC_NAMES = {
    *("WebSocketClient", "WebSocketConnection", "ProtocolHandler"),
    *("ConnectionDisconnected", "Message", "MessageType", "ReadTimeout"),
}
SONIC_CONNECT = {
    "verify": True,
    "ssl": None,
    "headers": None,
    "subprotocols": None,
    "start_keepalive": True,
    "keepalive_interval": 30.0,
    "conn_opts": None,
}
SONIC_OPTIONS = {
    "text_queue_maxsize": 100,
    "binary_queue_maxsize": 100,
    "queue_maxsize": None,
    "drop_frames": False,
    "protocol_handler": None,
}
HTTP_NAMES = {
    "ClientSession": "ws_connect",
    "ClientWebSocketResponse": "close closed exception ping protocol receive send_bytes send_str",
    "MsgType": "binary close closed error ping pong text",
}
HTTP_WS_CONNECT = {
    "protocols": (),
    "timeout": 10.0,
    "connector": None,
    "ws_response_class": aiohttp.ClientWebSocketResponse,
    "autoclose": True,
    "autoping": True,
    "loop": None,
}


def test_every_name_has_its_row() -> None:
    names = {name for name, _, _ in ROWS}
    wanted = set(SONIC_NAMES) | {"WebSocketClient(connector=None)", "connect(url)"}
    for kind, members in SONIC_CLASSES.items():
        wanted |= {f"{kind.__name__}.{member}" for member in members.split()}
    wanted |= {f"connect({name}={default})" for name, default in SONIC_CONNECT.items()}
    wanted |= {f"{name}={default}" for name, default in SONIC_OPTIONS.items()}
    for name, members in HTTP_NAMES.items():
        wanted |= {f"{name}.{member}" for member in members.split()}
    wanted |= {f"ws_connect({name}={shown(value)})" for name, value in HTTP_WS_CONNECT.items()}
    wanted |= {"ws_connect(url)", "ClientSession", "ClientWebSocketResponse"}
    wanted |= {"WSServerHandshakeError", "Message.tp", "Message.data"}
    assert wanted == names


def shown(value: object) -> str:
    return value.__name__ if isinstance(value, type) else str(value)


def test_every_name_is_there() -> None:
    assert set(web_socket_client.__all__) == SONIC_NAMES
    for kind, members in SONIC_CLASSES.items():
        for member in members.split():
            assert hasattr(kind, member), f"{kind.__name__}.{member}"


def test_the_names_of_the_drop_in_are_there() -> None:
    for kind, members in HTTP_NAMES.items():
        for member in members.split():
            assert hasattr(getattr(aiohttp, kind), member), f"{kind}.{member}"
    assert hasattr(aiohttp.WSMessage, "tp")
    assert issubclass(aiohttp.WSServerHandshakeError, Exception)
    parameters = list(inspect.signature(aiohttp.ws_connect).parameters.values())
    assert {each.name: each.default for each in parameters[1:]} == HTTP_WS_CONNECT


def test_the_signature_is_the_same() -> None:
    parameters = list(inspect.signature(WebSocketClient.connect).parameters.values())
    found = {parameter.name: parameter.default for parameter in parameters[2:-1]}
    assert parameters[1].name == "url"
    assert found == SONIC_CONNECT
    assert list(found) == list(SONIC_CONNECT)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_every_row_names_a_test(row: tuple[str, str, str]) -> None:
    path, _, name = row[2].partition("::")
    source = (ROOT / "tests" / path).read_text(encoding="utf-8")
    assert re.search(rf"^(async )?def {name}\(", source, re.MULTILINE), row[2]
