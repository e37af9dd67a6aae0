"""The commands on the pages exist, and take the options that they are shown with."""

from __future__ import annotations

import functools
import re
import subprocess
import sys

import pytest
from docs.pages import ROOT, pages

BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
LINES = sorted(
    {
        line.partition("#")[0].removeprefix("$ ").strip()
        for page in [*pages(), ROOT / "benchmarks" / "README.md"]
        for block in BLOCK.findall(page.read_text(encoding="utf-8"))
        for line in block.splitlines()
        if line.startswith("$ ")
    }
)
COMMANDS = [line for line in LINES if re.search(r"\bwirespeed (?!\[)[a-z]", line)]
TARGETS = [line for line in LINES if line.startswith("make ")]


@functools.cache
def usage(command: str) -> str:
    shown = subprocess.run(
        [sys.executable, "-m", "wirespeed", command, "--help"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert shown.returncode == 0, shown.stderr
    return shown.stdout


def test_commands_were_found() -> None:
    assert len(COMMANDS) > 6
    assert len(TARGETS) > 3


@pytest.mark.parametrize("line", COMMANDS)
def test_the_command_takes_its_options(line: str) -> None:
    for command, options in re.findall(r"\bwirespeed ([a-z]+)([^|&]*)", line):
        text = usage(command)
        for option in re.findall(r"(?<!\S)--?[a-z][\w-]*", options):
            assert option in text, f"{command} {option}"


@pytest.mark.parametrize("line", TARGETS)
def test_the_target_exists(line: str) -> None:
    target = line.split()[1]
    assert re.search(rf"^{target}:", MAKEFILE, re.MULTILINE)
