"""The arguments of all subcommands. Does not run them."""

from __future__ import annotations

import argparse
import platform
from typing import Final

from .._base.version import __version__
from .._codec import backend
from . import arguments as types
from .connect_arguments import add_connect, add_opening
from .relay_arguments import add_relay

_STATUS: Final = """\
The exit status is 0 if all went well, 1 if not, 2 for arguments that cannot be used, and 130
after Ctrl-C. `wirespeed COMMAND --help` says what that means for each command.
"""

_RECORD_HELP: Final = """\
Each message that arrives is kept in FILE, with its time, and each line of standard input is
sent as a text message and kept as well. FILE must not exist yet; only you may read it, since
messages may contain secrets. The lines of standard input may be commands, as for connect.

It ends with the connection, after --seconds, or with Ctrl-C; the end of piped input does not
end it. The exit status is that of connect.
"""

_SERVE_HELP: Final = """\
Serve WebSocket connections on 127.0.0.1 until Ctrl-C, to try a client out. The URL is the first
line of output. Pages of other sites in a browser are refused (header Origin). It holds at most
100 connections, and messages of 1 MiB. The exit status is 130 after Ctrl-C, 1 if it cannot
listen, 2 for wrong arguments.
"""

_COMPLETION_HELP: Final = """\
Print a script that completes the commands and options of wirespeed in a shell:

  bash   wirespeed completion bash > ~/.local/share/bash-completion/completions/wirespeed
  zsh    wirespeed completion zsh > DIR/_wirespeed   (a DIR of $fpath)
  fish   wirespeed completion fish > ~/.config/fish/completions/wirespeed.fish
"""

Subcommands = argparse._SubParsersAction  # argparse has no public name for it


def make_parser() -> argparse.ArgumentParser:
    """Return the parser; what it parses has the name of the subcommand in `command`."""
    parser = argparse.ArgumentParser(
        prog="wirespeed",
        description="An asyncio WebSocket client for fast feeds.",
        epilog=_STATUS,
    )
    python = f"{platform.python_implementation()} {platform.python_version()}"
    version = f"wirespeed {__version__} ({backend.implementation}, {python})"
    parser.add_argument("--version", action="version", version=version)
    commands = parser.add_subparsers(required=True, metavar="COMMAND", dest="command")
    add_connect(_add(commands, "connect", "talk to a server: lines in, messages out"))
    _add_serve(_add(commands, "serve", "be a server, to try clients out", _SERVE_HELP))
    _add_record(_add(commands, "record", "keep the messages of a connection in a file"))
    _add_replay(_add(commands, "replay", "serve a recording to clients that are tested"))
    add_relay(_add(commands, "relay", "receive many feeds, and publish them to JetStream"))
    _add_demo(_add(commands, "demo", "stream market ticks from a server of its own"))
    _add_bench(_add(commands, "bench", "measure wirespeed beside other clients"))
    completion = _add(commands, "completion", "print a completion script", _COMPLETION_HELP)
    completion.add_argument("shell", choices=["bash", "zsh", "fish"], help="the shell")
    manual = _add(commands, "manual", "print the manual page")
    manual.description = "Print the manual page, as in: wirespeed manual | man -l -"
    return parser


def _add(
    commands: Subcommands[argparse.ArgumentParser], name: str, summary: str, description: str = ""
) -> argparse.ArgumentParser:
    return commands.add_parser(
        name,
        help=summary,
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter
        if description or name in ("connect", "record")
        else argparse.HelpFormatter,
    )


def _add_serve(parser: argparse.ArgumentParser) -> None:
    modes = parser.add_subparsers(required=True, metavar="WHAT", dest="mode")
    common = argparse.ArgumentParser(add_help=False)
    _add_port(common)
    for mode, summary in [
        ("echo", "send each message back"),
        ("chat", "send each message to all other clients"),
    ]:
        modes.add_parser(
            mode, parents=[common], help=summary, description=f"{summary.capitalize()}."
        )
    feed = modes.add_parser(
        "feed",
        parents=[common],
        help="send numbered market ticks in JSON",
        description="Send numbered market ticks in JSON, to each client from the beginning.",
    )
    feed.add_argument(
        "--rate",
        type=types.factor,
        default=10.0,
        metavar="N",
        help="messages a second (default: 10; inf: as fast as the client reads)",
    )
    feed.add_argument(
        "--count", type=types.count, metavar="N", help="close with code 1000 after N messages"
    )
    replay = modes.add_parser(
        "replay",
        parents=[common],
        help="serve a recording, as `wirespeed replay` does",
        description="Serve a recording of `wirespeed record`, to each client from the beginning.",
    )
    _add_recording(replay)


def _add_record(parser: argparse.ArgumentParser) -> None:
    parser.description = _RECORD_HELP
    add_opening(parser)
    parser.add_argument("file", metavar="FILE", help="the file to make")
    parser.add_argument(
        "--seconds",
        type=types.duration,
        metavar="S",
        help="close the connection after so many seconds",
    )


def _add_replay(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Serve a recording of `wirespeed record` on 127.0.0.1 until Ctrl-C, to each client from the"
        " beginning. The URL is the first line of output. It is short for `serve replay`."
    )
    _add_port(parser)
    _add_recording(parser)


def _add_port(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--port",
        type=types.port,
        default=0,
        metavar="N",
        help="the port (default: any that is free)",
    )


def _add_recording(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="the recording")
    parser.add_argument(
        "--speed",
        type=types.factor,
        default=1.0,
        metavar="X",
        help="how many times as fast as recorded (default: 1; inf: without pauses)",
    )
    parser.add_argument(
        "--no-wait",
        action="store_true",
        help="do not wait for messages of the client where the recording has some",
    )


def _add_demo(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Stream JSON market ticks from a feed server in a process of its own, check that each"
        " one arrives in order, and tell how fast that went. The exit status is 0 only if all"
        " of them arrived."
    )
    limit = parser.add_mutually_exclusive_group()
    limit.add_argument(
        "--messages",
        type=types.count,
        default=1_000_000,
        metavar="N",
        help="how many messages to stream (default: 1000000)",
    )
    limit.add_argument(
        "--seconds", type=types.duration, metavar="S", help="stream for so many seconds instead"
    )
    parser.add_argument(
        "--tls", action="store_true", help="use wss:// with a certificate made for the demo"
    )
    parser.add_argument(
        "--batch", action="store_true", help="receive with batches() instead of async for"
    )


def _add_bench(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Measure wirespeed beside every other client that is installed, each in a process of its"
        " own, in turns; print tables, and write them with a JSON file and charts. It takes about"
        ' four minutes. pip install "wirespeed[bench]" brings the other clients. The exit status'
        " is 1 if wirespeed itself could not be measured, 2 for wrong arguments."
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
        type=types.names,
        metavar="KEYS",
        help="only these, separated by commas; * is anything, as in 'receive-64-*,echo-*'",
    )
    parser.add_argument(
        "--peers",
        type=types.names,
        metavar="NAMES",
        help="only these beside wirespeed, separated by commas",
    )
    parser.add_argument(
        "--loop",
        choices=["asyncio", "uvloop", "both"],
        help="the event loop (default: both, with --quick asyncio)",
    )
    parser.add_argument(
        "--rounds", type=types.count, metavar="N", help="how often each has its turn"
    )
    parser.add_argument(
        "--output",
        default="bench-results",
        metavar="DIR",
        help="where the report, the JSON file and the charts go (default: bench-results)",
    )
    parser.add_argument(
        "--list", action="store_true", help="name all works and peers, and measure nothing"
    )
