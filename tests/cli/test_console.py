"""Remarks of the command line never control a terminal."""

from __future__ import annotations

import io

import pytest

from wirespeed._cli import console


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("plain", "plain"),
        ("ü€😀", "ü€😀"),
        ("tab\tline\nfeed", "tab\tline\nfeed"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("a\rb\x00\x07\x08\x0b\x1f\x7f", "a\\x0db\\x00\\x07\\x08\\x0b\\x1f\\x7f"),
        # CSI as a single character, which ISO 6429 has in its second set of control characters.
        ("\x9b31m\x80\x9f\xa0", "\\x9b31m\\x80\\x9f\xa0"),
        # They would show the text in another order.
        ("a\u202eb\u2066c", "a\\u202eb\\u2066c"),
    ],
)
def test_control_characters_are_escaped(text: str, printed: str) -> None:
    assert console.escaped(text) == printed


def test_a_remark_is_one_line_on_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    console.complain("first\nsecond\x1b")
    assert capsys.readouterr() == ("", "wirespeed: first\\x0asecond\\x1b\n")


@pytest.mark.parametrize(
    ("environment", "colours"),
    [
        ({}, True),
        ({"NO_COLOR": "1"}, False),
        ({"NO_COLOR": ""}, True),
        ({"TERM": "dumb"}, False),
    ],
)
def test_colours(
    environment: dict[str, str], colours: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"TERM": "xterm", "WT_SESSION": "1", **environment}.items():
        monkeypatch.setenv(name, value)
    if "NO_COLOR" not in environment:
        monkeypatch.delenv("NO_COLOR", raising=False)
    assert console.takes_colours(Screen()) is colours
    assert not console.takes_colours(io.StringIO())


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True
