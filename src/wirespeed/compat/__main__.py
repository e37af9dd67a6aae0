"""Runs a program with a face in the place of a library: `python -m wirespeed.compat`."""

from __future__ import annotations

import runpy
import sys

from ._installing import install

_USAGE = """\
usage: python -m wirespeed.compat LIBRARY[,LIBRARY] -m MODULE [ARGUMENT ...]
       python -m wirespeed.compat LIBRARY[,LIBRARY] SCRIPT [ARGUMENT ...]

Runs an unchanged program that imports LIBRARY (aiohttp, aiosonic, websockets) on wirespeed."""


def main(arguments: list[str]) -> None:
    """Install the faces, then run the program as `python` would."""
    if len(arguments) < 2 or arguments[0].startswith("-"):
        raise SystemExit(_USAGE)
    libraries, *program = arguments
    is_module = program[0] == "-m"
    if is_module and len(program) < 2:
        raise SystemExit(_USAGE)
    for library in libraries.split(","):
        try:
            install(library)
        except ValueError as exc:
            raise SystemExit(str(exc)) from exc
    if is_module:
        sys.argv = program[1:]
        runpy.run_module(program[1], run_name="__main__", alter_sys=True)
    else:
        sys.argv = program
        runpy.run_path(program[0], run_name="__main__")


if __name__ == "__main__":
    main(sys.argv[1:])
