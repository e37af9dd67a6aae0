"""The arguments of `wirespeed relay`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from . import arguments as types


def add_relay(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `relay`."""
    parser.description = (
        "Receive the feeds of a settings file, or one feed given by options, in several processes,"
        ' and publish every message to NATS JetStream. It needs pip install "wirespeed[relay]".'
        " Ctrl-C stops it once the messages that have arrived are acknowledged. The exit status is"
        " 1 if nothing can be received or published any more, 2 if the settings cannot be used."
    )
    parser.add_argument("file", type=Path, nargs="?", metavar="FILE", help="the settings, in TOML")
    parser.add_argument(
        "--workers",
        type=types.count,
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
        type=types.port,
        metavar="PORT",
        help="serve the figures to Prometheus on this port of 127.0.0.1; 0: a free one",
    )
    _add_single_feed(parser.add_argument_group("one feed, in place of FILE"))


def _add_single_feed(group: argparse._ArgumentGroup) -> None:
    def add(option: str, setting: str, metavar: str, text: str, **more: Any) -> None:
        group.add_argument(option, dest=setting, metavar=metavar, help=text, **more)

    many = {"action": "append"}
    header = {"type": types.header, **many}
    add("--url", "feed.url", "URL", "the server's address: ws:// or wss://")
    add("--name", "feed.name", "NAME", "the name of the feed (default: feed)")
    add("--header", "feed.headers", "NAME:VALUE", "a header; may be repeated", **header)
    add("--on-open", "feed.subscribe", "TEXT", "send this first; may be repeated", **many)
    add("--subject", "feed.subject", "SUBJECT", "default: feeds.{feed}; {/pointer} is a value")
    add("--key", "feed.message_id", "POINTER", "how copies are known: JSON pointer, hash:SECONDS")
    add("--standby", "feed.standby", "N", "receive it on 1 or 2 connections", type=types.count)
    add("--overflow", "feed.overflow", "POLICY", "pause, drop_oldest or conflate")
    add("--conflate", "feed.conflate", "POINTER", "the key of which the newest message is kept")
    add("--server", "nats.servers", "URL", "JetStream's address; may be repeated", **many)
    add("--stream", "nats.stream", "NAME", "the stream (default: FEEDS); made if it is missing")
