"""Where the names come from, with and without the real package, and the face in its place."""

from __future__ import annotations

import importlib
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest
import websockets
import websockets.exceptions
import websockets.frames
import websockets.protocol
import websockets.version

from wirespeed import compat
from wirespeed.compat import websockets as face
from wirespeed.compat.websockets.asyncio.client import connect

# Hides the installed package, in the process that runs this first.
HIDE = """
import sys
class Hide:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "websockets":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Hide())
"""
USED = {
    "": (
        "connect unix_connect ClientConnection ConnectionClosed ConnectionClosedOK State Headers"
        " ConnectionClosedError InvalidStatus InvalidURI InvalidHandshake WebSocketException Close"
        " CloseCode Data Origin Subprotocol WebSocketClientProtocol InvalidStatusCode __version__"
        " ConcurrencyError InvalidMessage SecurityError ProtocolError ProxyError InvalidProxy"
        " NegotiationError HeadersLike"
    ),
    "asyncio.client": "connect unix_connect ClientConnection",
    "client": "connect WebSocketClientProtocol",
    "datastructures": "Headers HeadersLike MultipleValuesError",
    "exceptions": "ConnectionClosed InvalidStatusCode PayloadTooBig InvalidUpgrade",
    "frames": "Close CloseCode CLOSE_CODE_EXPLANATIONS OK_CLOSE_CODES Opcode",
    "http11": "Request Response",
    "legacy.client": "connect WebSocketClientProtocol",
    "legacy.exceptions": "InvalidStatusCode",
    "protocol": "State Side OPEN CLOSED CLOSING CONNECTING CLIENT",
    "typing": "Data Origin Subprotocol LoggerLike",
    "uri": "parse_uri WebSocketURI",
    "version": "version",
}


def run(program: str, *arguments: str) -> str:
    """Run a program in another process; return what it prints."""
    command = [sys.executable, "-W", "ignore::DeprecationWarning", *arguments]
    if program:
        command += ["-c", textwrap.dedent(program)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def imports(package: str) -> str:
    """Return a program that imports all names that programs use."""
    return "\n".join(
        f"from {package}{'.' if part else ''}{part} import {name}"
        for part, names in USED.items()
        for name in names.split()
    )


@pytest.mark.parametrize("hides", [False, True])
@pytest.mark.parametrize("installs", [False, True])
def test_every_name_is_there(hides: bool, installs: bool) -> None:
    package = "websockets" if installs else "wirespeed.compat.websockets"
    install = "from wirespeed import compat\ncompat.install('websockets')\n" if installs else ""
    report = "\nprint(connect.__module__, ConnectionClosed.__module__)"
    out = run((HIDE if hides else "") + install + imports(package) + report).split()
    assert out[0] == "wirespeed.compat.websockets._legacy"
    own = "wirespeed.compat.websockets._own.exceptions"
    assert out[1] == (own if hides else "websockets.exceptions")


def test_the_types_are_those_of_the_installed_package() -> None:
    for name in ("ConnectionClosed", "InvalidStatus", "State", "CloseCode", "Close", "Headers"):
        assert getattr(face, name) is getattr(websockets, name)
    assert face.__version__ == websockets.version.version
    assert face.connect is connect
    assert face.protocol.OPEN is websockets.protocol.OPEN
    assert face.exceptions.ConnectionClosed is websockets.exceptions.ConnectionClosed


def test_what_the_face_has_not_is_that_of_the_installed_package() -> None:
    real = importlib.import_module("websockets.sync.client")
    assert importlib.import_module("wirespeed.compat.websockets.sync.client") is real
    server = importlib.import_module("wirespeed.compat.websockets.asyncio.server")
    assert server.serve is websockets.serve
    assert getattr(face, "serve") is websockets.serve  # noqa: B009 - type checkers do not know it


@pytest.mark.parametrize("hides", [False, True])
def test_everything_at_once(hides: bool) -> None:
    program = (HIDE if hides else "") + "from wirespeed.compat.websockets import *\n"
    out = run(program + "print(connect.__module__, State.__name__, ConnectionClosed.__name__)")
    assert out == "wirespeed.compat.websockets._connect State ConnectionClosed\n"


def test_without_the_package_the_rest_is_a_clear_error() -> None:
    program = """
    import wirespeed.compat.websockets as face
    try:
        import wirespeed.compat.websockets.sync.client
    except ImportError as exc:
        print(exc)
    try:
        face.serve
    except AttributeError as exc:
        print(exc)
    """
    out = run(HIDE + textwrap.dedent(program)).splitlines()
    assert len(out) == 2
    assert all("the rest needs the package websockets" in line for line in out)


def test_install_and_uninstall() -> None:
    module: Any = importlib.import_module("websockets.asyncio.client")
    package: Any = websockets
    real = module.connect
    compat.install("websockets")
    try:
        compat.install("websockets")
        assert package.connect is module.connect is connect
        assert module.ClientConnection is face.ClientConnection
        assert package.exceptions.ConnectionClosed is face.ConnectionClosed
    finally:
        compat.uninstall("websockets")
    assert package.connect is module.connect is real
    compat.uninstall("websockets")


def test_uninstall_without_the_package() -> None:
    program = """
    from wirespeed import compat
    compat.install("websockets")
    import websockets.asyncio.client
    print(websockets.asyncio.client.connect.__module__)
    compat.uninstall("websockets")
    try:
        import websockets
    except ImportError as exc:
        print(exc)
    """
    out = run(HIDE + textwrap.dedent(program)).splitlines()
    assert out == ["wirespeed.compat.websockets._connect", "No module named 'websockets'"]


def test_a_face_that_does_not_exist() -> None:
    with pytest.raises(ValueError, match=r"^no face of 'requests' can be installed"):
        compat.install("requests")


@pytest.mark.parametrize("way", ["module", "script"])
def test_running_a_program(way: str, tmp_path: Path) -> None:
    script = tmp_path / "program_of_others.py"
    script.write_text(
        "import sys, websockets\n"
        "assert __name__ == '__main__'\n"
        "print(websockets.connect.__module__, sys.argv[1:])\n"
    )
    target = ["-m", "program_of_others"] if way == "module" else [str(script)]
    command = [sys.executable, "-m", "wirespeed.compat", "websockets", *target, "-x", "y"]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=tmp_path, timeout=60
    )
    assert done.stdout == "wirespeed.compat.websockets._connect ['-x', 'y']\n", done.stderr


@pytest.mark.parametrize("arguments", [[], ["websockets"], ["websockets", "-m"], ["-m", "x"]])
def test_usage(arguments: list[str]) -> None:
    command = [sys.executable, "-m", "wirespeed.compat", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1
    assert done.stderr.startswith("usage: ")


def test_running_on_an_unknown_face() -> None:
    command = [sys.executable, "-m", "wirespeed.compat", "requests", "x.py"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    text = "no face of 'requests' can be installed, only aiohttp, aiosonic, websockets\n"
    assert done.stderr == text
