"""The command line: `wirespeed connect`, `serve`, `record`, `replay`, `relay`, `demo` and `bench`.

The modules of a subcommand are imported only when that subcommand runs.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from ._cli.connect_arguments import opening_from
from ._cli.console import complain, discard_output, say
from ._cli.parser import make_parser

INTERRUPTED: Final = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status.

    Args:
        argv: the arguments; `None` for the arguments of the process.

    Raises:
        SystemExit: the arguments cannot be used, or ask only for help or the version.
    """
    arguments = make_parser().parse_args(argv)
    try:
        status = _RUN[arguments.command](arguments)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # The reader of the output has closed the pipe.
        discard_output()
        return 0
    return status


def _connect(arguments: argparse.Namespace) -> int:
    from ._cli import connect  # noqa: PLC0415

    talk = connect.Talk(
        linger=arguments.linger,
        binary=arguments.binary,
        as_json=arguments.json,
        count=arguments.count,
        record=arguments.record,
        reconnect=arguments.reconnect,
        verbose=arguments.verbose,
    )
    return connect.run(opening_from(arguments), talk)


def _serve(arguments: argparse.Namespace) -> int:
    from ._cli.serve import command  # noqa: PLC0415

    match arguments.mode:
        case "replay":
            return _replay(arguments)
        case "feed":
            return command.feed(arguments.port, rate=arguments.rate, count=arguments.count)
        case "chat":
            return command.chat(arguments.port)
        case _:
            return command.echo(arguments.port)


def _record(arguments: argparse.Namespace) -> int:
    from ._cli import record  # noqa: PLC0415

    return record.run(opening_from(arguments), Path(arguments.file), seconds=arguments.seconds)


def _replay(arguments: argparse.Namespace) -> int:
    from ._cli.serve import command  # noqa: PLC0415

    return command.replay_file(
        arguments.port,
        arguments.file,
        speed=arguments.speed,
        waits=not arguments.no_wait,
    )


def _relay(arguments: argparse.Namespace) -> int:
    try:
        from .relay import _command  # noqa: PLC0415
    except ModuleNotFoundError as exc:
        complain(f'{exc.name} is missing: pip install "wirespeed[relay]"')
        return 1
    given = {name: value for name, value in vars(arguments).items() if value is not None}
    return _command.run(
        arguments.file,
        {name: value for name, value in given.items() if name.startswith(("feed.", "nats."))},
        workers=arguments.workers,
        json_lines=arguments.json_lines,
        prometheus=arguments.prometheus,
    )


def _demo(arguments: argparse.Namespace) -> int:
    from ._cli.demo import command  # noqa: PLC0415
    from ._cli.demo.report import Goal  # noqa: PLC0415

    seconds = arguments.seconds
    goal = Goal(messages=arguments.messages if seconds is None else None, seconds=seconds)
    return command.run(goal, tls=arguments.tls, batch=arguments.batch)


def _bench(arguments: argparse.Namespace) -> int:
    from ._bench import command  # noqa: PLC0415

    return command.run(
        command.Options(
            preset="quick" if arguments.quick else "full" if arguments.full else "default",
            works=arguments.works,
            peers=arguments.peers,
            loop=arguments.loop,
            rounds=arguments.rounds,
            output=Path(arguments.output),
            only_list=arguments.list,
        )
    )


def _completion(arguments: argparse.Namespace) -> int:
    from ._cli import completion  # noqa: PLC0415

    say(completion.script(make_parser(), arguments.shell))
    return 0


def _manual(arguments: argparse.Namespace) -> int:
    from ._cli import manual  # noqa: PLC0415

    say(manual.page(make_parser()))
    return 0


_RUN: Final[Mapping[str, Callable[[argparse.Namespace], int]]] = {
    "connect": _connect,
    "serve": _serve,
    "record": _record,
    "replay": _replay,
    "relay": _relay,
    "demo": _demo,
    "bench": _bench,
    "completion": _completion,
    "manual": _manual,
}


if __name__ == "__main__":
    sys.exit(main())
