"""Output of the command line never controls a terminal, and text in a file is unchanged."""

from __future__ import annotations

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
    ],
)
def test_text_on_a_terminal_has_its_control_characters_escaped(text: str, printed: str) -> None:
    assert console.shown(text, on_terminal=True) == printed
    assert console.shown(text, on_terminal=False) == text


@pytest.mark.parametrize("on_terminal", [False, True])
@pytest.mark.parametrize(
    ("data", "printed"),
    [
        (b"", "< 0 bytes: "),
        (b"\x01", "< 1 byte: 01"),
        (b"\x01\x02\xff", "< 3 bytes: 0102ff"),
        (bytes(32), "< 32 bytes: " + "00" * 32),
        (bytes(33), "< 33 bytes: " + "00" * 32 + "..."),
        (bytes(100_000), "< 100000 bytes: " + "00" * 32 + "..."),
    ],
)
def test_binary_is_shown_as_its_size_and_first_bytes(
    data: bytes, printed: str, on_terminal: bool
) -> None:
    assert console.shown(data, on_terminal=on_terminal) == printed


def test_a_remark_is_one_line_on_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    console.complain("first\nsecond\x1b")
    assert capsys.readouterr() == ("", "wirespeed: first\\x0asecond\\x1b\n")
