"""What the receiving half tells the sending half about the task that was woken."""

from __future__ import annotations


class Turn:
    """Whether more messages wait for the task that was resumed in place.

    The inbox writes it, the outbox reads it. A task that is about to take another message is
    likely to send again without suspending, so its sends may gather.
    """

    def __init__(self) -> None:
        self.more_wait = False
