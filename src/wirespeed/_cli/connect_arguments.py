"""The arguments of `wirespeed connect`, and those that `record` shares with it."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Final

from . import arguments as types
from .lines import HELP
from .opening import Opening

_DESCRIPTION: Final = f"""\
Each line of standard input is sent as a text message, and each message that arrives is
printed on standard output: text as it is, binary as its size and first bytes. All else is
told on standard error. Lines must be UTF-8. Lines that begin with / are commands:

  {HELP.replace(chr(10), chr(10) + "  ")}

At a terminal, < marks a message and > the prompt, and control characters are shown escaped.
pip install "wirespeed[cli]" improves the line editing. NO_COLOR turns colours off. In a pipe,
there are no marks.

Ctrl-D or Ctrl-C closes the connection. At the end of piped input it is closed once no
message has arrived for --linger seconds, so that answers are not lost.

The exit status is 0 after a clean close (1000, 1001, no code, or the code of /close) and after
--count messages, 1 after any other end, or if the connection could not be opened or a line of
piped input not be sent, 2 for wrong arguments, 130 after Ctrl-C.
"""


def add_connect(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `connect`."""
    parser.description = _DESCRIPTION
    add_opening(parser)
    messages = parser.add_argument_group("messages")
    messages.add_argument(
        "--binary",
        action="store_true",
        help="send lines as binary messages, and print binary messages as they are in a pipe",
    )
    messages.add_argument(
        "--json",
        action="store_true",
        help="lay JSON out: indented at a terminal, on one line in a pipe",
    )
    messages.add_argument(
        "--count", type=types.count, metavar="N", help="close the connection after N messages"
    )
    messages.add_argument(
        "--record",
        type=Path,
        metavar="FILE",
        help="keep all messages in a new file as well, as `wirespeed record` does",
    )
    messages.add_argument(
        "--linger",
        type=types.duration_or_none,
        metavar="SECONDS",
        help="silence that ends the session after piped input (default: 1, with --count never)",
    )
    messages.add_argument(
        "--reconnect",
        action="store_true",
        help="connect again, with growing pauses, until you end it",
    )
    messages.add_argument(
        "-v",
        "--verbose",
        action="store_true",
        help="show the opening handshake, without credentials, cookies and tokens",
    )


def add_opening(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that say what to connect to, and how."""
    parser.add_argument("url", metavar="URL", help="ws://, wss://, http:// or https://")
    _add_request(parser.add_argument_group("request"))
    _add_network(parser.add_argument_group("network"))


def _add_request(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "-H",
        "--header",
        type=types.header,
        action="append",
        default=[],
        metavar="NAME:VALUE",
        help="add a header to the request; may be repeated",
    )
    group.add_argument(
        "--subprotocol",
        action="append",
        default=[],
        metavar="NAME",
        help="offer a subprotocol; may be repeated, in order of preference",
    )
    group.add_argument("--origin", metavar="URL", help="the header Origin")
    group.add_argument(
        "--auth",
        type=types.credentials,
        metavar="USER[:PASSWORD]",
        help="basic authentication; without a password, you are asked for it",
    )
    group.add_argument(
        "--cookie",
        type=types.cookie,
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="send a cookie; may be repeated",
    )


def _add_network(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--proxy",
        type=types.proxy,
        metavar="URL",
        help="connect through this proxy (http, https, socks4, socks5, socks5h); env: the one"
        " that the environment names",
    )
    trust = group.add_mutually_exclusive_group()
    trust.add_argument(
        "--ca", metavar="FILE", help="trust these certificates (PEM) instead of the system's"
    )
    trust.add_argument(
        "--insecure",
        action="store_true",
        help="accept any certificate: others can then read and change what is sent",
    )
    group.add_argument(
        "--cert", metavar="FILE", help="the client's certificate (PEM), with its key or --key"
    )
    group.add_argument("--key", metavar="FILE", help="the key of --cert (PEM)")
    group.add_argument("--compress", action="store_true", help="offer compression")
    group.add_argument(
        "--ping-interval",
        type=types.interval,
        default=20.0,
        metavar="SECONDS",
        help="seconds between two keep-alive Pings (default: 20; 0: none)",
    )
    group.add_argument(
        "--timeout",
        type=types.duration,
        metavar="SECONDS",
        help="seconds for the opening (default: 10), and then for each wait for a message"
        " (default: no limit)",
    )


def opening_from(arguments: argparse.Namespace) -> Opening:
    """Return what the arguments of `add_opening` ask for."""
    return Opening(
        url=arguments.url,
        headers=arguments.header,
        subprotocols=arguments.subprotocol,
        origin=arguments.origin,
        auth=arguments.auth,
        cookies=arguments.cookie,
        proxy=arguments.proxy,
        ca=arguments.ca,
        insecure=arguments.insecure,
        cert=arguments.cert,
        key=arguments.key,
        compress=arguments.compress,
        ping_interval=arguments.ping_interval,
        timeout=arguments.timeout,
    )
