"""The works that are counted: what is sent, how often, and in blocks of how many messages."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Work:
    """One work of one connection.

    Attributes:
        name: for the reader, and for the file of figures.
        way: how messages are received and sent: a function of each client.
        size: bytes of a message.
        short: how many messages the shorter run has: enough to warm everything up.
        long: how many the longer run has.
        block: how many messages the two processes exchange between two meetings.
        is_binary: whether the messages are binary.
        keep_alive: whether wirespeed has its keep-alive, as it has by default; others have none.
    """

    name: str
    way: str
    size: int
    short: int
    long: int
    block: int = 1
    is_binary: bool = False
    keep_alive: bool = True

    @property
    def message(self) -> str | bytes:
        """The message that is sent and received."""
        return b"a" * self.size if self.is_binary else "a" * self.size


# A block fits into a socket that nobody reads: Linux gives a unix socket 208 KiB, of which a
# small write takes 768 bytes. Some clients write each message.
WORKS = (
    Work("receive 64 B text", "receive", 64, 10_000, 40_000, block=1000),
    Work("receive 64 B text, batches", "batches", 64, 10_000, 40_000, block=1000),
    Work("feed of 64 B text", "feed", 64, 500, 2500),
    Work("feed, no keep-alive", "feed", 64, 500, 2500, keep_alive=False),
    Work("echo 256 B text", "echo", 256, 500, 2500),
    Work("echo, no keep-alive", "echo", 256, 500, 2500, keep_alive=False),
    Work("send 64 B text", "send", 64, 10_000, 40_000, block=250),
    Work("send 64 B text, send_many", "send_many", 64, 10_000, 40_000, block=250),
    Work("receive 64 KiB binary", "receive", 65_536, 200, 1000, block=2, is_binary=True),
    Work("send 64 KiB binary", "send", 65_536, 200, 1000, block=2, is_binary=True),
)


def work_named(name: str) -> Work:
    """Find a work by its name."""
    return next(work for work in WORKS if work.name == name)
