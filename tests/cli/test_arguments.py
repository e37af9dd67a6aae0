"""Command-line arguments are checked before anything is done."""

from __future__ import annotations

import platform
from collections.abc import Callable
from pathlib import Path

import pytest

import wirespeed
from wirespeed.__main__ import main
from wirespeed._cli import connect
from wirespeed._cli.demo import command
from wirespeed._cli.demo.report import Goal
from wirespeed._cli.opening import Opening


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
        (["connect", "ws://h", "--cookie", "secret"], "must be NAME=VALUE, there is no = in it"),
        (["connect", "ws://h", "--timeout", "0"], "must be a number of seconds above 0, not '0'"),
        (["connect", "ws://h", "--ping-interval", "x"], "must be a number of seconds, not 'x'"),
        (["connect", "ws://h", "--count", "0"], "must be a whole number from 1 up, not '0'"),
        (["connect", "ws://h", "--ca", "f", "--insecure"], "not allowed with"),
        (["serve"], "required: WHAT"),
        (["serve", "echo", "--port", "70000"], "must be 0 to 65535, not '70000'"),
        (["serve", "feed", "--rate", "0"], "must be a number above 0, not '0'"),
        (["completion", "tcsh"], "invalid choice: 'tcsh'"),
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
        (["wss://h/", "--cert", "/nowhere"], "certificate of /nowhere: No such file"),
        (["wss://h/", "--key", "/nowhere"], "--key needs --cert"),
        (["ws://h/", "--cookie", "a=b", "-H", "Cookie: c=d"], "'Cookie'"),
        (["ws://h/", "--proxy", "ftp://h/"], "proxy"),
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
    arguments = ["-H", "A: b:c", "--header", "D:", "--subprotocol", "x", "--subprotocol=y"]
    arguments += ["--origin", "null", "--auth", "u:p:q", "--cookie", "a=b=c", "--cookie", "d="]
    arguments += ["--proxy", "env", "--ca", "f", "--cert", "g", "--key", "h", "--compress"]
    arguments += ["--ping-interval", "0", "--timeout", "3", "--linger", "inf", "--binary", "--json"]
    arguments += ["--count", "5", "--record", "i", "--reconnect", "-v"]
    assert main(["connect", "ws://h/", *arguments]) == 7
    opening = Opening(
        url="ws://h/",
        headers=[("A", "b:c"), ("D", "")],
        subprotocols=["x", "y"],
        origin="null",
        auth=("u", "p:q"),
        cookies=[("a", "b=c"), ("d", "")],
        proxy=True,
        ca="f",
        cert="g",
        key="h",
        compress=True,
        ping_interval=None,
        timeout=3.0,
    )
    talk = connect.Talk(
        linger=float("inf"),
        binary=True,
        as_json=True,
        count=5,
        record=Path("i"),
        reconnect=True,
        verbose=True,
    )
    assert seen == [(opening, talk), {}]


def test_connect_does_nothing_special_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[object] = []
    monkeypatch.setattr(connect, "run", recorder(seen))
    assert main(["connect", "ws://h/"]) == 7
    assert seen == [(Opening(url="ws://h/"), connect.Talk()), {}]


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
