"""Messages on a terminal are marked and never control it; in a pipe, text is unchanged."""

from __future__ import annotations

import io

import pytest

from wirespeed._cli.printer import Printer


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Screen:
    monkeypatch.setenv("NO_COLOR", "1")
    return Screen()


@pytest.fixture
def coloured_screen(monkeypatch: pytest.MonkeyPatch) -> Screen:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("WT_SESSION", "1")
    return Screen()


def in_pipe(*messages: str | bytes, as_json: bool = False, raw: bool = False) -> bytes:
    """Return what is printed in a pipe."""
    pipe = io.BytesIO()
    with io.TextIOWrapper(pipe, "utf-8", newline="") as stream:
        Printer(stream, as_json=as_json, raw=raw).print(messages)
        return pipe.getvalue()


@pytest.mark.parametrize(
    ("message", "printed"),
    [
        ("plain", "< plain\n"),
        ("", "< \n"),
        ("ü€😀\ttab", "< ü€😀\ttab\n"),
        ("\x1b[31mred\x9b", "< \\x1b[31mred\\x9b\n"),
        # Without the indent, the second line would look like a message of its own.
        ("one\n< two\n> three", "< one\n  < two\n  > three\n"),
        (b"\x01\x02\xff", "< 3 bytes: 0102ff\n"),
    ],
)
@pytest.mark.parametrize("raw", [False, True])
def test_on_a_terminal(message: str | bytes, printed: str, raw: bool, screen: Screen) -> None:
    Printer(screen, raw=raw).print([message])
    assert screen.getvalue() == printed


def test_colours_are_for_the_mark(coloured_screen: Screen) -> None:
    Printer(coloured_screen).print(["hi"])
    assert coloured_screen.getvalue() == "\x1b[32m<\x1b[39m hi\n"


def test_a_long_message_on_a_terminal_is_cut(screen: Screen) -> None:
    Printer(screen).print(["x" * 100_000, "y" * 100_001])
    first, second, end = screen.getvalue().split("\n")
    assert (first, end) == ("< " + "x" * 100_000, "")
    rest = "... and 1 more characters, which a pipe or --record gets"
    assert second == "< " + "y" * 100_000 + rest


def test_text_in_a_pipe_is_unchanged() -> None:
    long = "x" * 200_000
    printed = in_pipe("\x1b[31mred\r\n\x00", long)
    assert printed == f"\x1b[31mred\r\n\x00\n{long}\n".encode()


@pytest.mark.parametrize(
    ("message", "printed"),
    [
        (b"", "0 bytes: "),
        (b"\x01", "1 byte: 01"),
        (bytes(32), "32 bytes: " + "00" * 32),
        (bytes(33), "33 bytes: " + "00" * 32 + "..."),
    ],
)
def test_binary_in_a_pipe_is_described(message: bytes, printed: str) -> None:
    assert in_pipe(message) == f"{printed}\n".encode()


def test_raw_binary_in_a_pipe_keeps_its_place() -> None:
    printed = in_pipe("one", b"\x00\xff", "two", raw=True)
    assert printed == b"one\n\x00\xff\ntwo\n"


@pytest.mark.parametrize(
    ("message", "printed"),
    [
        ('{ "a" : [1.50, 1e400,\n "x y"] }', '{"a":[1.50,1e400,"x y"]}'),
        ("no JSON: {", "no JSON: {"),
        ("NaN", "NaN"),
        ("[" * 100_000, "[" * 100_000),
    ],
)
def test_json_in_a_pipe_is_one_line(message: str, printed: str) -> None:
    assert in_pipe(message, as_json=True) == f"{printed}\n".encode()


def test_json_on_a_terminal_is_indented(screen: Screen) -> None:
    Printer(screen, as_json=True).print(['{"a":{},"b":[],"c":[1,{"d\\n{":null}],"a":"\x9b"}'])
    assert screen.getvalue().splitlines() == [
        "< {",
        '    "a": {},',
        '    "b": [],',
        '    "c": [',
        "      1,",
        "      {",
        '        "d\\n{": null',
        "      }",
        "    ],",
        '    "a": "\\x9b"',
        "  }",
    ]


def test_json_is_coloured(coloured_screen: Screen) -> None:
    Printer(coloured_screen, as_json=True).print(['{"a":"b"}'])
    name, value = '\x1b[34m"a"\x1b[39m', '\x1b[32m"b"\x1b[39m'
    assert coloured_screen.getvalue() == f"\x1b[32m<\x1b[39m {{\n    {name}: {value}\n  }}\n"
