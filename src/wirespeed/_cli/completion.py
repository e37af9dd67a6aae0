"""`wirespeed completion`: scripts for shells, made from the parser.

Each script has a table of the commands; a command of a command has both names.
"""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

_FILE_ARGUMENTS: Final = frozenset({"FILE", "DIR"})


@dataclass(frozen=True)
class Command:
    """What can follow the name of a command.

    Attributes:
        path: its names, outermost first; empty for `wirespeed` itself.
        words: the commands in it, or the values of its argument, each with its help.
        options: its options, all spellings, each with its help.
        values: the options that take a value, each with the values that are known.
        files: the options that take the name of a file.
        takes_file: whether it takes the name of a file itself.
    """

    path: tuple[str, ...]
    words: dict[str, str] = field(default_factory=dict)
    options: dict[str, str] = field(default_factory=dict)
    values: dict[str, list[str]] = field(default_factory=dict)
    files: set[str] = field(default_factory=set)
    takes_file: bool = False


def commands_of(parser: argparse.ArgumentParser, path: tuple[str, ...] = ()) -> Iterator[Command]:
    """Yield the parser's command, and those inside it."""
    command = Command(path, takes_file=any(_is_file(one) for one in _positionals(parser)))
    inner: dict[str, argparse.ArgumentParser] = {}
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            inner = dict(action.choices)
            command.words.update((one.dest, one.help or "") for one in action._choices_actions)
        elif not action.option_strings:
            command.words.update((str(choice), "") for choice in action.choices or ())
        else:
            _add_option(command, action)
    yield command
    for name, subparser in inner.items():
        yield from commands_of(subparser, (*path, name))


def _positionals(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    return [action for action in parser._actions if not action.option_strings]


def _is_file(action: argparse.Action) -> bool:
    return action.metavar in _FILE_ARGUMENTS


def _add_option(command: Command, action: argparse.Action) -> None:
    for spelling in action.option_strings:
        command.options[spelling] = action.help or ""
        if action.nargs != 0:
            command.values[spelling] = [str(choice) for choice in action.choices or ()]
        if _is_file(action):
            command.files.add(spelling)


def script(parser: argparse.ArgumentParser, shell: str) -> str:
    """Return the completion script for a shell: bash, zsh or fish."""
    commands = list(commands_of(parser))
    return {"bash": _bash, "zsh": _zsh, "fish": _fish}[shell](commands)


# -- bash ------------------------------------------------------------------------------


def _bash(commands: list[Command]) -> str:
    cases = "\n".join(_bash_case(command) for command in commands)
    return _BASH % {"paths": _paths(commands), "cases": cases}


_BASH: Final = """\
_wirespeed() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} path="" i
    local words="" files="" values="" is_value=""
    for ((i = 1; i < COMP_CWORD; i++)); do
        case "$path ${COMP_WORDS[i]}" in
            %(paths)s) path="$path ${COMP_WORDS[i]}" ;;
        esac
    done
    case "$path" in
%(cases)s
    esac
    if [[ $is_value ]]; then
        words=$values
    fi
    COMPREPLY=($(compgen -W "$words" -- "$word"))
    if [[ $files ]]; then
        COMPREPLY+=($(compgen -f -- "$word"))
        compopt -o filenames 2>/dev/null
    fi
}
complete -F _wirespeed wirespeed"""


def _bash_case(command: Command) -> str:
    lines = [f'        "{_joined(command)}")']
    words = [*command.words, *command.options]
    lines.append(f'            words="{" ".join(words)}"')
    lines += _argument_lines(command, '"{}"')
    return "\n".join([*lines, "            ;;"])


def _argument_lines(command: Command, form: str) -> list[str]:
    """Return what bash and zsh share: which words are files, and the values of options.

    Args:
        command: the command.
        form: how the shell writes a list, with `{}` for its words.
    """
    lines = []
    if command.takes_file:
        lines.append("            [[ $word != -* ]] && files=1")
    if command.values:
        lines.append('            case "$before" in')
        for option, values in command.values.items():
            listed = form.format(" ".join(values))
            files = " files=1" if option in command.files else ' files=""'
            lines.append(f"                {option}) is_value=1 values={listed}{files} ;;")
        lines.append("            esac")
    return lines


def _joined(command: Command) -> str:
    return "".join(f" {name}" for name in command.path)


def _paths(commands: list[Command]) -> str:
    return " | ".join(f'"{_joined(command)}"' for command in commands if command.path)


# -- zsh -------------------------------------------------------------------------------


def _zsh(commands: list[Command]) -> str:
    cases = "\n".join(_zsh_case(command) for command in commands)
    return _ZSH % {"paths": _paths(commands), "cases": cases}


_ZSH: Final = """\
#compdef wirespeed

_wirespeed() {
    local word=${words[CURRENT]} before=${words[CURRENT-1]} path_="" i
    local -a found values
    local files="" is_value=""
    for ((i = 2; i < CURRENT; i++)); do
        case "$path_ ${words[i]}" in
            %(paths)s) path_="$path_ ${words[i]}" ;;
        esac
    done
    case "$path_" in
%(cases)s
    esac
    if [[ -n $is_value ]]; then
        (( $#values )) && compadd -a values
    else
        (( $#found )) && _describe wirespeed found
    fi
    [[ -n $files ]] && _files
}

if [[ $funcstack[1] == _wirespeed ]]; then
    _wirespeed "$@"
else
    compdef _wirespeed wirespeed
fi"""


def _zsh_case(command: Command) -> str:
    entries = {**command.words, **command.options}
    found = " ".join(shlex.quote(_zsh_entry(word, text)) for word, text in entries.items())
    lines = [f'        "{_joined(command)}")', f"            found=({found})"]
    lines += _argument_lines(command, "({})")
    return "\n".join([*lines, "            ;;"])


def _zsh_entry(word: str, text: str) -> str:
    return f"{word}:{text}" if text else word


# -- fish ------------------------------------------------------------------------------


def _fish(commands: list[Command]) -> str:
    lines = [_FISH % {"paths": " ".join(shlex.quote(_joined(one)) for one in commands if one.path)}]
    for command in commands:
        lines += _fish_lines(command)
    return "\n".join(lines)


_FISH: Final = """\
function __wirespeed_at
    set -l path ""
    for word in (commandline -opc)[2..]
        if contains -- "$path $word" %(paths)s
            set path "$path $word"
        end
    end
    test "$path" = "$argv[1]"
end
complete -c wirespeed -f"""


def _fish_lines(command: Command) -> Iterator[str]:
    at = (
        f"complete -c wirespeed -n {shlex.quote(f'__wirespeed_at {shlex.quote(_joined(command))}')}"
    )
    for word, text in command.words.items():
        yield f"{at} -a {shlex.quote(word)} -d {shlex.quote(text)}"
    if command.takes_file:
        yield f"{at} -F"
    for option, text in command.options.items():
        kind = "-l" if option.startswith("--") else "-s"
        line = f"{at} {kind} {option.lstrip('-')} -d {shlex.quote(text)}"
        if option in command.values:
            values = " ".join(command.values[option])
            line += f" -x -a {shlex.quote(values)}" if option not in command.files else " -r -F"
        yield line
