"""A server in a thread of its own, and the fixture that starts one."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import wirespeed
from wirespeed.testing import ServerConnection, serve


async def echo(client: ServerConnection) -> None:
    async for message in client:
        await client.send(message)


async def expects_yes(client: ServerConnection) -> None:
    text = await client.receive_text()
    assert text == "yes"


async def ask(url: str, question: str) -> str:
    async with wirespeed.connect(url) as ws:
        await ws.send(question)
        return await ws.receive_text()


def test_a_program_with_its_own_event_loop() -> None:
    with serve(echo) as url:
        assert asyncio.run(ask(url, "hi")) == "hi"
    assert [thread for thread in threading.enumerate() if "serve" in thread.name] == []


def test_a_failed_script_takes_the_place_of_what_it_caused() -> None:
    with pytest.raises(AssertionError) as caught, serve(expects_yes) as url:
        asyncio.run(ask(url, "no"))
    assert isinstance(caught.value.__cause__, wirespeed.ConnectionDisconnected)


def test_an_error_of_the_body_is_raised_unchanged() -> None:
    with pytest.raises(ZeroDivisionError) as caught, serve(echo):
        raise ZeroDivisionError
    assert caught.value.__cause__ is None


def test_a_port_that_is_taken() -> None:
    with serve(echo) as url:
        port = int(url.rstrip("/").rpartition(":")[2])
        with pytest.raises(OSError, match=str(port)), serve(echo, port=port):
            pytest.fail("the port was free")


async def test_within_an_event_loop() -> None:
    with serve(echo) as url:
        assert await ask(url, "hi") == "hi"


TESTS = """
import asyncio
import wirespeed

async def echo(client):
    async for message in client:
        await client.send(message)

async def wrong(client):
    assert await client.receive_text() == "yes"

async def ask(url, question):
    async with wirespeed.connect(url) as ws:
        await ws.send(question)
        return await ws.receive_text()

def test_that_passes(wirespeed_server):
    url, other = wirespeed_server(echo), wirespeed_server(echo, timeout=5)
    assert asyncio.run(ask(url, "hi")) == "hi"
    assert asyncio.run(ask(other, "ho")) == "ho"

def test_whose_script_fails(wirespeed_server):
    try:
        asyncio.run(ask(wirespeed_server(wrong), "no"))
    except wirespeed.ConnectionDisconnected:
        pass
"""


def run_pytest(directory: Path, *options: str) -> subprocess.CompletedProcess[str]:
    (directory / "test_it.py").write_text(TESTS)
    command = [sys.executable, "-m", "pytest", "-W", "error", "-p", "no:cacheprovider"]
    # The options of the surrounding run may need plugins that are not loaded here.
    environment = {name: value for name, value in os.environ.items() if name != "PYTEST_ADDOPTS"}
    return subprocess.run(
        [*command, f"--rootdir={directory}", *options, str(directory)],
        cwd=directory,
        env={**environment, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_the_fixture(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text('pytest_plugins = ["wirespeed.testing.pytest_plugin"]\n')
    outcome = run_pytest(tmp_path)
    assert "2 passed, 1 error" in outcome.stdout
    assert "raised by the script of connection 1" in outcome.stdout
    assert "assert 'no' == 'yes'" in outcome.stdout


def test_who_does_not_ask_for_the_fixture_does_not_load_it(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(
        "import sys\ndef pytest_unconfigure():\n"
        "    assert not any(name.startswith('wirespeed') for name in sys.modules)\n"
    )
    outcome = run_pytest(tmp_path, "--ignore-glob=*test_it.py")
    assert (outcome.returncode, outcome.stderr) == (5, "")
