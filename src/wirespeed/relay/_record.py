"""A message on its way from a feed to a sink."""

from __future__ import annotations

from dataclasses import dataclass


class Rejected(Exception):
    """A sink will never take this record, however often it is sent.

    A sink raises it, or sets it on the future that it has returned. The relay counts and logs it,
    and goes on with the next record.
    """


# Not frozen, which would triple what making one costs.
@dataclass(slots=True)
class Record:
    """A message of a feed, with what a reader needs to find out whether one is missing.

    A sink must not change it: it may be sent again.

    Attributes:
        feed: the name of the feed.
        subject: where the message belongs, made from the feed's template.
        data: the message; text as UTF-8.
        is_text: whether it was a text message.
        message_id: equal for two copies of the same message, and for no other message.
        connection: names the connection that received it. What the server sent between two
            connections is not known.
        sequence: its number among the messages of that connection, from 1 up. A missing number is
            a message that the feed's overflow policy has dropped.
        received_at: when it arrived, in seconds since 1970.
    """

    feed: str
    subject: str
    data: bytes
    is_text: bool
    message_id: str
    connection: str
    sequence: int
    received_at: float
