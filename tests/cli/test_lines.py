"""What a line of the user means."""

from __future__ import annotations

from pathlib import Path

import pytest

from wirespeed._cli.lines import Close, Help, Message, Ping, Wish, parse


@pytest.mark.parametrize(
    ("line", "wish"),
    [
        ("hi ä", Message("hi ä")),
        ("", Message("")),
        (" /ping", Message(" /ping")),
        ("//ping", Message("/ping")),
        ("/ping", Ping(b"")),
        ("/ping a b", Ping(b"a b")),
        ("/close", Close(1000, "")),
        ("/close 4000", Close(4000, "")),
        ("/close 4000 good bye ", Close(4000, "good bye")),
        ("/binary 00 fF", Message(b"\x00\xff")),
        ("/binary", Message(b"")),
        ("/help", Help()),
    ],
)
def test_lines(line: str, wish: Wish) -> None:
    assert parse(line.encode(), binary=False) == wish


def test_binary_lines_need_not_be_utf_8() -> None:
    assert parse(b"//\xff", binary=True) == Message(b"/\xff")


def test_the_content_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "a file"
    path.write_bytes(b"\x00\n")
    assert parse(f"/binary @{path}".encode(), binary=False) == Message(b"\x00\n")


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (b"/nope", "no such command: /nope "),
        (b"/no\xff", "no such command: /no\\xff "),
        (b"\xff", "a line was not sent: it is not valid UTF-8 (RFC 6455 section 8.1)"),
        (b"/close bye", "a close code is a number such as 4000, not 'bye'"),
        (b"/close 1005", "close code 1005 must not be sent"),
        (b"/close 4000 " + b"x" * 124, "close reason is 124 bytes, limit is 123"),
        (b"/binary xyz", "/binary needs @FILE, or bytes in hexadecimal such as 00ff"),
        (b"/binary 000", "/binary needs @FILE, or bytes in hexadecimal such as 00ff"),
    ],
)
def test_lines_that_mean_nothing(line: bytes, text: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        parse(line, binary=False)
    assert str(caught.value).startswith(text)


def test_a_file_that_is_not_there() -> None:
    with pytest.raises(FileNotFoundError):
        parse(b"/binary @/nowhere", binary=False)
