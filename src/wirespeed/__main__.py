"""The command line: `wirespeed demo`, `connect`, `record`, `replay`, `relay` and `bench`.

The modules of a subcommand are imported only when that subcommand runs.
"""

from __future__ import annotations

import argparse
import math
import platform
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ._base.version import __version__
from ._cli.console import complain, discard_output
from ._codec import backend

if TYPE_CHECKING:
    from ._cli.connect import Opening

INTERRUPTED: Final = 130
_MAX_PORT: Final = 65535

_CONNECT_HELP: Final = """\
Each line of standard input is sent as a text message, and each message that arrives is
printed on standard output: text as it is, binary as its size and first bytes. All else is
told on standard error. Lines must be UTF-8.

  /ping [text]   sends a Ping, and tells the round trip
  //...          sends a line that begins with /

Ctrl-D or Ctrl-C closes the connection. At the end of piped input it is closed once no
message has arrived for --linger seconds, so that answers are not lost.

The exit status is 0 after a clean close (1000, 1001 or no code), 1 after any other, or if
the connection could not be opened or a line not be sent, 2 for wrong arguments, 130 after Ctrl-C.
"""


_RECORD_HELP: Final = """\
Each message that arrives is kept in FILE, with its time, and each line of standard input is
sent as a text message and kept as well. FILE must not exist yet; only you may read it, since
messages may contain secrets. The lines of standard input may be commands, as for connect.

It ends with the connection, after --seconds, or with Ctrl-C; the end of piped input does not
end it. The exit status is that of connect.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status.

    Args:
        argv: the arguments; `None` for the arguments of the process.

    Raises:
        SystemExit: the arguments cannot be used, or ask only for help or the version.
    """
    arguments = _parser().parse_args(argv)
    try:
        status: int = arguments.run(arguments)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # The reader of the output has closed the pipe.
        discard_output()
        return 0
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="wirespeed", description="An asyncio WebSocket client for fast feeds."
    )
    python = f"{platform.python_implementation()} {platform.python_version()}"
    version = f"wirespeed {__version__} ({backend.implementation}, {python})"
    parser.add_argument("--version", action="version", version=version)
    subcommands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_demo(subcommands.add_parser("demo", help="stream market ticks from a server of its own"))
    _add_connect(
        subcommands.add_parser(
            "connect",
            help="talk to a server: lines in, messages out",
            description=_CONNECT_HELP,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
    )
    _add_record(
        subcommands.add_parser(
            "record",
            help="keep the messages of a connection in a file",
            description=_RECORD_HELP,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
    )
    _add_replay(
        subcommands.add_parser("replay", help="serve a recording to clients that are tested")
    )
    _add_relay(
        subcommands.add_parser("relay", help="receive many feeds, and publish them to JetStream")
    )
    _add_bench(subcommands.add_parser("bench", help="measure wirespeed beside other clients"))
    return parser


def _add_demo(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Stream JSON market ticks from a feed server in a process of its own, check that each"
        " one arrives in order, and tell how fast that went. The exit status is 0 only if all"
        " of them arrived."
    )
    limit = parser.add_mutually_exclusive_group()
    limit.add_argument(
        "--messages",
        type=_count,
        default=1_000_000,
        metavar="N",
        help="how many messages to stream (default: 1000000)",
    )
    limit.add_argument(
        "--seconds", type=_duration, metavar="S", help="stream for so many seconds instead"
    )
    parser.add_argument(
        "--tls", action="store_true", help="use wss:// with a certificate made for the demo"
    )
    parser.add_argument(
        "--batch", action="store_true", help="receive with batches() instead of async for"
    )
    parser.set_defaults(run=_demo)


def _add_connect(parser: argparse.ArgumentParser) -> None:
    _add_opening(parser)
    parser.add_argument(
        "--linger",
        type=_duration_or_none,
        default=1.0,
        metavar="SECONDS",
        help="silence that ends the session after piped input (default: 1; inf: never)",
    )
    parser.set_defaults(run=_connect)


def _add_record(parser: argparse.ArgumentParser) -> None:
    _add_opening(parser)
    parser.add_argument("file", metavar="FILE", help="the file to make")
    parser.add_argument(
        "--seconds", type=_duration, metavar="S", help="close the connection after so many seconds"
    )
    parser.set_defaults(run=_record)


def _add_replay(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Serve a recording of `wirespeed record` on 127.0.0.1 until Ctrl-C, to each client from the"
        " beginning. The URL is the first line of output."
    )
    parser.add_argument("file", metavar="FILE", help="the recording")
    parser.add_argument(
        "--port", type=_port, default=0, metavar="N", help="the port (default: any that is free)"
    )
    parser.add_argument(
        "--speed",
        type=_speed,
        default=1.0,
        metavar="X",
        help="how many times as fast as recorded (default: 1; inf: without pauses)",
    )
    parser.add_argument(
        "--no-wait",
        action="store_true",
        help="do not wait for messages of the client where the recording has some",
    )
    parser.set_defaults(run=_replay)


def _add_opening(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("url", metavar="URL", help="ws://, wss://, http:// or https://")
    parser.add_argument(
        "--header",
        type=_header,
        action="append",
        default=[],
        metavar="NAME:VALUE",
        help="add a header to the request; may be repeated",
    )
    parser.add_argument(
        "--subprotocol",
        action="append",
        default=[],
        metavar="NAME",
        help="offer a subprotocol; may be repeated, in order of preference",
    )
    parser.add_argument(
        "--ca", metavar="FILE", help="trust these certificates (PEM) instead of the system's"
    )


def _add_relay(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Receive the feeds of a settings file, or one feed given by options, in several processes,"
        ' and publish every message to NATS JetStream. It needs pip install "wirespeed[relay]".'
        " Ctrl-C stops it once the messages that have arrived are acknowledged. The exit status is"
        " 1 if nothing can be received or published any more, 2 if the settings cannot be used."
    )
    parser.add_argument("file", type=Path, nargs="?", metavar="FILE", help="the settings, in TOML")
    parser.add_argument(
        "--workers",
        type=_count,
        metavar="N",
        help="how many processes receive (default: what the file says, or the processors)",
    )
    parser.add_argument(
        "--json-lines",
        action="store_true",
        help="print the figures of each feed every second as a line of JSON",
    )
    parser.add_argument(
        "--prometheus",
        type=_port,
        metavar="PORT",
        help="serve the figures to Prometheus on this port of 127.0.0.1; 0: a free one",
    )
    _add_single_feed(parser.add_argument_group("one feed, in place of FILE"))
    parser.set_defaults(run=_relay)


def _add_single_feed(group: argparse._ArgumentGroup) -> None:
    def add(option: str, setting: str, metavar: str, text: str, **more: Any) -> None:
        group.add_argument(option, dest=setting, metavar=metavar, help=text, **more)

    many = {"action": "append"}
    add("--url", "feed.url", "URL", "the server's address: ws:// or wss://")
    add("--name", "feed.name", "NAME", "the name of the feed (default: feed)")
    add("--header", "feed.headers", "NAME:VALUE", "a header; may be repeated", type=_header, **many)
    add("--on-open", "feed.subscribe", "TEXT", "send this first; may be repeated", **many)
    add("--subject", "feed.subject", "SUBJECT", "default: feeds.{feed}; {/pointer} is a value")
    add("--key", "feed.message_id", "POINTER", "how copies are known: JSON pointer, hash:SECONDS")
    add("--standby", "feed.standby", "N", "receive it on 1 or 2 connections", type=_count)
    add("--overflow", "feed.overflow", "POLICY", "pause, drop_oldest or conflate")
    add("--conflate", "feed.conflate", "POINTER", "the key of which the newest message is kept")
    add("--server", "nats.servers", "URL", "JetStream's address; may be repeated", **many)
    add("--stream", "nats.stream", "NAME", "the stream (default: FEEDS); made if it is missing")


def _add_bench(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Measure wirespeed beside every other client that is installed, each in a process of its"
        " own, in turns; print tables, and write them with a JSON file and charts. It takes about"
        ' four minutes. pip install "wirespeed[bench]" brings the other clients.'
    )
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--quick", action="store_true", help="the main works, in under a minute")
    length.add_argument(
        "--full",
        action="store_true",
        help="all works, from 16 B to 1 MiB, on both event loops; the better part of an hour",
    )
    parser.add_argument(
        "--works",
        type=_names,
        metavar="KEYS",
        help="only these, separated by commas; * is anything, as in 'receive-64-*,echo-*'",
    )
    parser.add_argument(
        "--peers",
        type=_names,
        metavar="NAMES",
        help="only these beside wirespeed, separated by commas",
    )
    parser.add_argument(
        "--loop",
        choices=["asyncio", "uvloop", "both"],
        help="the event loop (default: both, with --quick asyncio)",
    )
    parser.add_argument("--rounds", type=_count, metavar="N", help="how often each has its turn")
    parser.add_argument(
        "--output",
        default="bench-results",
        metavar="DIR",
        help="where the report, the JSON file and the charts go (default: bench-results)",
    )
    parser.add_argument(
        "--list", action="store_true", help="name all works and peers, and measure nothing"
    )
    parser.set_defaults(run=_bench)


def _names(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names:
        raise argparse.ArgumentTypeError(f"must be names separated by commas, not {text!r}")
    return names


def _count(text: str) -> int:
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number from 1 up, not {text!r}")
    return number


def _duration(text: str) -> float:
    seconds = _seconds(text)
    if not 0 < seconds < math.inf:
        raise argparse.ArgumentTypeError(f"must be a number of seconds above 0, not {text!r}")
    return seconds


def _duration_or_none(text: str) -> float:
    seconds = _seconds(text)
    if not seconds >= 0:
        raise argparse.ArgumentTypeError(f"must be a number of seconds, not {text!r}")
    return seconds


def _speed(text: str) -> float:
    factor = _seconds(text)
    if not factor > 0:
        raise argparse.ArgumentTypeError(f"must be a number above 0, not {text!r}")
    return factor


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > _MAX_PORT:
        raise argparse.ArgumentTypeError(f"must be 0 to {_MAX_PORT}, not {text!r}")
    return int(text)


def _seconds(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon:
        raise argparse.ArgumentTypeError("must be NAME:VALUE, there is no colon in it")
    return name.strip(), value.strip()


def _demo(arguments: argparse.Namespace) -> int:
    from ._cli.demo import command  # noqa: PLC0415
    from ._cli.demo.report import Goal  # noqa: PLC0415

    seconds = arguments.seconds
    goal = Goal(messages=arguments.messages if seconds is None else None, seconds=seconds)
    return command.run(goal, tls=arguments.tls, batch=arguments.batch)


def _connect(arguments: argparse.Namespace) -> int:
    from ._cli import connect  # noqa: PLC0415

    return connect.run(_opening(arguments), linger=arguments.linger)


def _record(arguments: argparse.Namespace) -> int:
    from ._cli import record  # noqa: PLC0415

    return record.run(_opening(arguments), Path(arguments.file), seconds=arguments.seconds)


def _replay(arguments: argparse.Namespace) -> int:
    from ._cli import replay  # noqa: PLC0415

    return replay.run(
        arguments.file,
        port=arguments.port,
        speed=arguments.speed,
        waits=not arguments.no_wait,
    )


def _opening(arguments: argparse.Namespace) -> Opening:
    from ._cli.connect import Opening  # noqa: PLC0415

    return Opening(
        url=arguments.url,
        headers=arguments.header,
        subprotocols=arguments.subprotocol,
        ca=arguments.ca,
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


if __name__ == "__main__":
    sys.exit(main())
