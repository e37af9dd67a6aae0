"""`wirespeed manual`: the manual page in roff, made from the parser's help."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from typing import Final

from .._base.version import __version__

_COLOUR: Final = re.compile(r"\x1b\[[0-9;]*m")


def page(parser: argparse.ArgumentParser) -> str:
    """Return the manual page of the command and of all its subcommands."""
    lines = [
        f'.TH WIRESPEED 1 "" "wirespeed {__version__}" "User Commands"',
        ".SH NAME",
        r"wirespeed \- talk to WebSocket servers, serve, record and replay",
        ".SH SYNOPSIS",
        *_synopsis(parser),
        ".SH DESCRIPTION",
        *_text(parser.description),
        ".SH OPTIONS",
        *_options(parser),
    ]
    for subparser in _subparsers(parser):
        lines += [f'.SH "{subparser.prog.upper()}"', *_command(subparser)]
    return "\n".join([*lines, '.SH "EXIT STATUS"', *_text(parser.epilog)])


def _subparsers(parser: argparse.ArgumentParser) -> list[argparse.ArgumentParser]:
    return [
        subparser
        for action in parser._actions
        if isinstance(action, argparse._SubParsersAction)
        for subparser in action.choices.values()
    ]


def _command(parser: argparse.ArgumentParser) -> Iterator[str]:
    yield from _synopsis(parser)
    yield ".PP"
    yield from _text(parser.description)
    yield from _options(parser)
    for subparser in _subparsers(parser):
        yield f'.SS "{subparser.prog}"'
        yield from _command(subparser)


def _synopsis(parser: argparse.ArgumentParser) -> Iterator[str]:
    # Python 3.14 colours it at a terminal.
    usage = _COLOUR.sub("", parser.format_usage()).removeprefix("usage: ")
    yield ".nf"
    yield _escaped(usage.rstrip())
    yield ".fi"


def _text(text: str | None) -> Iterator[str]:
    """Yield a text; what is indented in it keeps its lines."""
    is_table = False
    for line in (text or "").strip().split("\n"):
        if (line.startswith("  ") and line.strip() != "") != is_table:
            is_table = not is_table
            yield ".nf" if is_table else ".fi"
        yield _escaped(line) or ".PP"
    if is_table:
        yield ".fi"


def _options(parser: argparse.ArgumentParser) -> Iterator[str]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for one in action._choices_actions:
                yield from _entry(_bold(one.dest), one.help)
        elif action.option_strings:
            value = "" if action.nargs == 0 else f" {_value(action)}"
            spellings = ", ".join(f"{_bold(one)}{value}" for one in action.option_strings)
            yield from _entry(spellings, action.help)
        else:
            yield from _entry(_value(action), action.help)


def _value(action: argparse.Action) -> str:
    if action.choices is not None:
        return rf"\fI{_escaped('|'.join(map(str, action.choices)))}\fR"
    return rf"\fI{_escaped(str(action.metavar or action.dest))}\fR"


def _entry(head: str, text: str | None) -> Iterator[str]:
    yield ".TP"
    yield head
    yield _escaped(text or "")


def _bold(text: str) -> str:
    return rf"\fB{_escaped(text)}\fR"


def _escaped(text: str) -> str:
    """Return text for roff: hyphens stay hyphens, and no line begins with a request."""
    escaped = text.replace("\\", r"\e").replace("-", r"\-")
    return "\n".join(
        rf"\&{line}" if line[:1] in ".'" and line else line for line in escaped.split("\n")
    )
