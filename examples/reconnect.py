"""Prints the messages of a feed until it is interrupted: `python reconnect.py URL [CHANNEL]`.

When the connection is lost, it connects and subscribes again. After an hour it moves to a new
connection without missing a message.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Sequence

import wirespeed


async def print_feed(url: str, channel: str) -> None:
    """Print the messages of the channel.

    Raises:
        OSError: the server refuses for good, or cannot be reached for five minutes.
        ValueError: the URL cannot be used, or the server does not know the channel.
    """

    async def subscribe(ws: wirespeed.WebSocketConnection) -> None:
        await ws.send_json({"subscribe": channel})
        answer = await ws.receive_json()
        if answer != {"subscribed": channel}:
            raise ValueError("the server does not know this channel")

    policy = wirespeed.Reconnect(
        initial=0.1, give_up_after=300, max_lifetime=3600, on_open=subscribe
    )
    async for ws in wirespeed.connect(url, reconnect=policy):
        try:
            async for message in ws:
                print(message, flush=True)
        except wirespeed.ConnectionDisconnected:
            continue


def main(arguments: Sequence[str]) -> int:
    """Run until it is interrupted, or until it cannot go on; return the exit status."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
    url, channel = (*arguments, "ticks")[:2]
    try:
        asyncio.run(print_feed(url, channel))
    except (OSError, ValueError) as exc:
        print(f"error: {exc}", *getattr(exc, "__notes__", ()), sep="\n", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
