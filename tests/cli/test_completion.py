"""The completion scripts and the manual page know every command and option."""

from __future__ import annotations

import argparse
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from screen import needs_tmux, program_on_screen

from wirespeed._cli import completion, manual
from wirespeed._cli.parser import make_parser

SHELLS = ["bash", "zsh", "fish"]


def complete(line: str, directory: Path) -> set[str]:
    """Return what bash offers at the end of a line."""
    path = directory / "wirespeed.bash"
    path.write_text(completion.script(make_parser(), "bash"))
    words = line.split(" ")
    script = f"""
        source {path}
        COMP_WORDS=("$@")
        COMP_CWORD=$(( $# - 1 ))
        _wirespeed
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    done = subprocess.run(
        ["bash", "-c", script, "bash", *words],
        check=True,
        capture_output=True,
        text=True,
        timeout=30,
        cwd=directory,
    )
    return set(done.stdout.split())


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("wirespeed re", {"record", "replay", "relay"}),
        ("wirespeed --v", {"--version"}),
        ("wirespeed connect --re", {"--record", "--reconnect"}),
        ("wirespeed connect ws://h/ --su", {"--subprotocol"}),
        ("wirespeed connect --ca ", {"cert.pem", "wirespeed.bash"}),
        ("wirespeed connect --origin ", set()),
        ("wirespeed serve ", {"-h", "--help", "echo", "chat", "feed", "replay"}),
        ("wirespeed serve feed --r", {"--rate"}),
        ("wirespeed serve replay c", {"cert.pem"}),
        ("wirespeed bench --loop ", {"asyncio", "uvloop", "both"}),
        ("wirespeed completion ", {"-h", "--help", "bash", "zsh", "fish"}),
        # A URL that is named as a command is.
        ("wirespeed record serve --h", {"--header", "--help"}),
    ],
)
def test_bash(line: str, offered: set[str], tmp_path: Path) -> None:
    (tmp_path / "cert.pem").touch()
    assert complete(line, tmp_path) == offered


@pytest.mark.skipif(shutil.which("fish") is None, reason="fish is not installed")
@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("wirespeed re", {"record", "replay", "relay"}),
        ("wirespeed connect --re", {"--record", "--reconnect"}),
        ("wirespeed serve feed --ra", {"--rate"}),
        ("wirespeed bench --loop ", {"asyncio", "uvloop", "both"}),
    ],
)
def test_fish(line: str, offered: set[str], tmp_path: Path) -> None:
    path = tmp_path / "wirespeed.fish"
    path.write_text(completion.script(make_parser(), "fish"))
    done = subprocess.run(
        ["fish", "--no-config", "-c", f"source {path}; complete -C {shlex.quote(line)}"],
        check=True,
        capture_output=True,
        text=True,
        timeout=30,
        env={**os.environ, "HOME": str(tmp_path)},
    )
    assert {entry.split("\t")[0] for entry in done.stdout.splitlines()} == offered


@pytest.mark.skipif(shutil.which("zsh") is None, reason="zsh is not installed")
@needs_tmux
def test_zsh(tmp_path: Path) -> None:
    (tmp_path / "_wirespeed").write_text(completion.script(make_parser(), "zsh"))
    start = f"fpath=({tmp_path} $fpath); autoload -U compinit; compinit -u -d {tmp_path}/dump"
    with program_on_screen("zsh", "-f", environment={"PS1": "$ "}) as screen:
        screen.wait_for("$")
        screen.type(f"{start}; clear\n")
        screen.wait_for("$")
        screen.type("wirespeed conn")
        screen.press("Tab")
        screen.wait_for("$ wirespeed connect")
        screen.type("--rec")
        screen.press("Tab")
        screen.wait_for("$ wirespeed connect --reco")
        screen.press("Tab")
        screen.wait_for_text("--reconnect  -- connect again")


@pytest.mark.parametrize("shell", SHELLS)
def test_the_shell_accepts_its_script(shell: str) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    script = completion.script(make_parser(), shell)
    subprocess.run([shell, "-n"], input=script.encode(), check=True, timeout=30)


def parsers(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    yield parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for subparser in action.choices.values():
                yield from parsers(subparser)


def spellings() -> set[str]:
    return {
        spelling
        for parser in parsers(make_parser())
        for action in parser._actions
        for spelling in action.option_strings
    }


@pytest.mark.parametrize("shell", SHELLS)
def test_the_scripts_have_every_option(shell: str) -> None:
    script = completion.script(make_parser(), shell)
    for spelling in spellings():
        words = {
            "fish": rf"-[ls] {spelling.lstrip('-')}\b",
        }
        assert re.search(words.get(shell, rf"(?<![\w-]){spelling}\b"), script), spelling


def test_the_manual_has_every_option() -> None:
    page = manual.page(make_parser())
    for spelling in spellings():
        assert rf"\fB{spelling}".replace("-", r"\-") in page


def test_no_line_of_the_manual_is_a_request_by_accident() -> None:
    page = manual.page(make_parser())
    requests = {line.split(" ")[0] for line in page.splitlines() if line[:1] in {".", "'"}}
    assert requests <= {".TH", ".SH", ".SS", ".TP", ".PP", ".nf", ".fi"}


@pytest.mark.skipif(shutil.which("groff") is None, reason="groff is not installed")
def test_groff_accepts_the_manual() -> None:
    done = subprocess.run(
        ["groff", "-man", "-Tutf8", "-ww"],
        input=manual.page(make_parser()).encode(),
        check=True,
        capture_output=True,
        timeout=30,
    )
    assert done.stderr == b""
    assert b"User Commands" in done.stdout


PAGE = Path(__file__).parents[2].joinpath("docs", "command-line.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("parser", list(parsers(make_parser())), ids=lambda parser: parser.prog)
def test_the_page_has_every_command_and_option(parser: argparse.ArgumentParser) -> None:
    assert parser.prog in PAGE
    for action in parser._actions:
        for spelling in action.option_strings:
            assert re.search(rf"`(wirespeed )?{spelling}\b", PAGE) or spelling in (
                "-h",
                "--help",
            ), spelling
