"""Command-line arguments are checked before anything is done."""

from __future__ import annotations

import platform
from collections.abc import Callable

import pytest

import wirespeed
from wirespeed.__main__ import main
from wirespeed._cli import connect
from wirespeed._cli.demo import command
from wirespeed._cli.demo.report import Goal


def recorder(seen: list[object]) -> Callable[..., int]:
    def run(*arguments: object, **options: object) -> int:
        seen.extend([arguments, options])
        return 7

    return run


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--version"])
    python = f"{platform.python_implementation()} {platform.python_version()}"
    expected = f"wirespeed {wirespeed.__version__} ({wirespeed.implementation}, {python})\n"
    assert (caught.value.code, capsys.readouterr().out) == (0, expected)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ([], "required: COMMAND"),
        (["nope"], "invalid choice: 'nope'"),
        (["demo", "--messages", "0"], "must be a whole number from 1 up, not '0'"),
        (["demo", "--messages", "1.5"], "must be a whole number from 1 up, not '1.5'"),
        (["demo", "--seconds", "0"], "must be a number of seconds above 0, not '0'"),
        (["demo", "--seconds", "inf"], "must be a number of seconds above 0, not 'inf'"),
        (["demo", "--seconds", "x"], "must be a number of seconds above 0, not 'x'"),
        (["demo", "--seconds", "1", "--messages", "1"], "not allowed with"),
        (["bench", "--rounds", "0"], "must be a whole number from 1 up, not '0'"),
        (["bench", "--works", " ,"], "must be names separated by commas, not ' ,'"),
        (["bench", "--loop", "trio"], "invalid choice: 'trio'"),
        (["bench", "--quick", "--full"], "not allowed with"),
        (["connect"], "required: URL"),
        (["connect", "ws://h", "--header", "name"], "must be NAME:VALUE"),
        (["connect", "ws://h", "--linger", "nan"], "must be a number of seconds, not 'nan'"),
        (["connect", "ws://h", "--linger=-1"], "must be a number of seconds, not '-1'"),
    ],
)
def test_bad_arguments_are_refused(
    arguments: list[str], text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    out, err = capsys.readouterr()
    assert (caught.value.code, out) == (2, "")
    assert text in err


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["ftp://h/"], "url has the scheme 'ftp'"),
        (["not a url"], "url"),
        (["ws://h/", "--header", "Upgrade: x"], "Upgrade"),
        (["ws://h/", "--header", "a: b\nc"], "value of header 'a' contains a control character"),
        (["ws://h/", "--subprotocol", "a b"], "subprotocols[0] is not a token"),
        (["ws://h/", "--ca", "/nowhere"], "certificates of /nowhere: No such file"),
        (["wss://h/", "--ca", __file__], f"cannot use the certificates of {__file__}: "),
    ],
)
def test_what_a_connection_cannot_use_is_refused(
    arguments: list[str], text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["connect", *arguments]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert err.startswith("wirespeed: ")
    assert text in err


def test_the_arguments_of_connect_are_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[object] = []
    monkeypatch.setattr(connect, "run", recorder(seen))
    arguments = ["--header", "A: b:c", "--header", "D:", "--subprotocol", "x", "--subprotocol=y"]
    assert main(["connect", "ws://h/", *arguments, "--ca", "f", "--linger", "inf"]) == 7
    headers = [("A", "b:c"), ("D", "")]
    opening = connect.Opening(url="ws://h/", headers=headers, subprotocols=["x", "y"], ca="f")
    assert seen == [(opening,), {"linger": float("inf")}]


@pytest.mark.parametrize(
    ("arguments", "goal", "options"),
    [
        ([], Goal(1_000_000, None), {"tls": False, "batch": False}),
        (["--messages", "5_000", "--tls"], Goal(5000, None), {"tls": True, "batch": False}),
        (["--seconds", "0.5", "--batch"], Goal(None, 0.5), {"tls": False, "batch": True}),
    ],
)
def test_the_arguments_of_the_demo_are_passed_on(
    arguments: list[str], goal: Goal, options: dict[str, bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[object] = []
    monkeypatch.setattr(command, "run", recorder(seen))
    assert main(["demo", *arguments]) == 7
    assert seen == [(goal,), options]


def test_ctrl_c_is_status_130(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*args: object, **options: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "run", interrupt)
    assert main(["demo"]) == 130
