"""What a user sees who types into `wirespeed connect`, on a real terminal."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import commandline
import pytest
from screen import needs_tmux, on_screen, without_prompt_toolkit

from wirespeed import ConnectionDisconnected
from wirespeed.testing import ServerConnection, serve

pytestmark = needs_tmux

STATUS = "icanon echo"


@pytest.fixture(params=["prompt_toolkit", "readline"])
def environment(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, str]:
    """Return the environment for each way to edit lines."""
    return {} if request.param == "prompt_toolkit" else without_prompt_toolkit(tmp_path)


@pytest.fixture
def server() -> Iterator[str]:
    """Serve a script that does what the messages say."""
    with serve(obey, timeout=None) as url:
        yield url


async def obey(client: ServerConnection) -> None:
    # Most tests end without the closing handshake.
    with contextlib.suppress(ConnectionDisconnected):
        await obey_messages(client)


async def obey_messages(client: ServerConnection) -> None:
    async for message in client:
        match message:
            case "wait":
                # The test types in the meantime, and then connects a second time.
                waiting.append(client)
            case "go":
                for other in waiting:
                    await other.send("it came\n> forged\x1b[2J")
                waiting.clear()
            case "end":
                for other in waiting:
                    await other.close(1001, "bye")
                waiting.clear()
            case "large":
                await client.send("ä€😀x" * 1_000_000)
            case _:
                await client.send(message)


waiting: list[ServerConnection] = []


def poke(url: str, word: str) -> None:
    """Send a word on a connection of its own."""
    outcome = commandline.run("connect", "--linger", "0", url, stdin=f"{word}\n".encode())
    assert outcome.status == 0, outcome


def start(url: str) -> str:
    return f"connected to {url}; Ctrl-D closes, /help lists commands"


def test_a_conversation(server: str, environment: dict[str, str]) -> None:
    with on_screen("connect", server, environment=environment) as screen:
        assert screen.wait_for(start(server), ">")
        screen.type("hellö €😀\n")
        screen.wait_for("> hellö €😀", "< hellö €😀", ">")
        screen.press("Up")
        screen.wait_for("< hellö €😀", "> hellö €😀")
        screen.type("!\n")
        screen.wait_for("> hellö €😀!", "< hellö €😀!", ">")
        screen.type("/nope\n")
        screen.wait_for_text("wirespeed: no such command: /nope")
        screen.type("/help\n")
        screen.wait_for_text("/close [CODE [REASON]]")
        screen.type("//slash\n")
        screen.wait_for("> //slash", "< /slash", ">")
        screen.press("C-d")
        lines = screen.wait_for("closed with code 1000 (normal closure)", "status 0", STATUS)
    assert lines[0] == start(server)


def test_a_message_while_the_user_types(server: str, environment: dict[str, str]) -> None:
    with on_screen("connect", server, environment=environment) as screen:
        screen.wait_for(start(server), ">")
        screen.type("wait\n")
        screen.wait_for("> wait", ">")
        screen.type("half a li")
        screen.wait_for("> half a li")
        poke(server, "go")
        # Nothing that the server sends moves the cursor, or looks like a line of its own.
        lines = screen.wait_for("< it came", "  > forged\\x1b[2J", "> half a li")
        assert lines[0] == start(server)
        screen.type("ne\n")
        screen.wait_for("> half a line", "< half a line", ">")


def test_the_server_closes_while_the_user_types(server: str, environment: dict[str, str]) -> None:
    with on_screen("connect", server, environment=environment) as screen:
        screen.wait_for(start(server), ">")
        screen.type("wait\n")
        screen.wait_for("> wait", ">")
        screen.type("half a li")
        screen.wait_for("> half a li")
        poke(server, "end")
        screen.wait_for("closed by the server with code 1001 (going away): bye", "status 0", STATUS)


def test_ctrl_c(server: str, environment: dict[str, str]) -> None:
    with on_screen("connect", server, environment=environment) as screen:
        screen.wait_for(start(server), ">")
        screen.type("half")
        screen.wait_for("> half")
        screen.press("C-c")
        lines = screen.wait_for("closed with code 1000 (normal closure)", "status 130", STATUS)
    assert "Traceback" not in "".join(lines)


def test_long_lines_and_large_messages(server: str, environment: dict[str, str]) -> None:
    line = "0123456789" * 500
    with on_screen("connect", server, environment=environment) as screen:
        screen.wait_for(start(server), ">")
        screen.type(line)
        screen.press("Enter")
        screen.wait_until(lambda lines: "".join(lines).endswith(f"< {line}>"), "the echo")
        screen.type("large\n")
        rest = "... and 3900000 more characters, which a pipe or --record gets>"
        screen.wait_until(lambda lines: "".join(lines).endswith(rest), rest)


def test_closing_with_a_code(server: str) -> None:
    with on_screen("connect", server) as screen:
        screen.wait_for(start(server), ">")
        screen.type("/close 4000 bye\n")
        screen.wait_for("> /close 4000 bye", "closed with code 4000", "status 0", STATUS)


def test_json_is_indented(server: str) -> None:
    with on_screen("connect", "--json", server) as screen:
        screen.wait_for(start(server), ">")
        screen.type('{"a":[1.50]}\n')
        screen.wait_for("< {", '    "a": [', "      1.50", "    ]", "  }", ">")


def test_connecting_again_keeps_what_is_typed() -> None:
    async def first(client: ServerConnection) -> None:
        await client.receive_text()
        await client.close(1012)

    with (
        serve(first, obey, timeout=None) as url,
        on_screen("connect", "--reconnect", url) as screen,
    ):
        screen.wait_for(start(url), ">")
        screen.type("bye\nhalf")
        screen.wait_for("closed by the server with code 1012 (service restart)", "> half")
        screen.wait_for(start(url), "> half")
        screen.type(" a line\n")
        screen.wait_for("> half a line", "< half a line", ">")


def test_a_password_is_asked_for_and_not_shown(server: str) -> None:
    with on_screen("connect", "-v", "--auth", "user", server) as screen:
        screen.wait_for("password of user:")
        screen.type("hunter2\n")
        lines = screen.wait_for(start(server), ">")
    assert "> Authorization: (hidden)" in lines
    assert "hunter2" not in "".join(lines)


def test_a_server_for_trying_out_and_a_dumb_terminal() -> None:
    with on_screen("serve", "feed", "--count", "1") as screen:
        url = screen.wait_until(bool, "the URL")[0]
        with on_screen("connect", url, environment={"TERM": "dumb"}) as other:
            lines = other.wait_for("status 0", STATUS)
        assert lines[1].startswith('< {"s":')
        screen.wait_for("connection 1: /", "connection 1: over")
        screen.press("C-c")
        screen.wait_for("^Cstatus 130", STATUS)
