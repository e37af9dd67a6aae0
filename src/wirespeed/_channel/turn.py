"""Shared by the receiving and the sending half: whether the woken task will receive more."""

from __future__ import annotations


class Turn:
    """Whether more messages wait for the task that was resumed in place.

    The inbox writes it, and the outbox reads it. A task that will take another message is likely
    to send again without suspending, so its sends may gather.
    """

    def __init__(self) -> None:
        self.more_wait = False
