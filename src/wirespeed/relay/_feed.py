"""What a feed is: where its messages come from, and what becomes of them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, Final, Literal

from .._opening.reconnect import Reconnect
from ..connection import Message
from ._checks import check_headers, check_number, check_text, check_texts, check_url
from ._pointer import MISSING, compile_pointer, decode

Overflow = Literal["pause", "drop_oldest", "conflate"]

OVERFLOWS: Final = ("pause", "drop_oldest", "conflate")
# One token of a NATS subject; other sinks take it as well.
_NAME: Final = re.compile(r"[A-Za-z0-9_-]+")
_FIELD: Final = re.compile(r"\{([^{}]*)\}")
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9_-]+")
# What can stand in a header as it is.
_PLAIN: Final = re.compile(r"[\x21-\x7e]{1,100}")
_LONGEST_TOKEN: Final = 100
_HASH: Final = re.compile(r"hash:([0-9]+(?:\.[0-9]+)?)")


@dataclass(frozen=True, kw_only=True)
class Feed:
    """A feed and its settings.

    Attributes:
        name: letters, digits, `-` and `_`.
        url: the address of the server.
        headers: headers of the opening handshake.
        subscribe: text messages to send first on each connection.
        subject: a template: `{feed}` is the name, `{/pointer}` a value of the message (JSON
            pointer, RFC 6901). In values, all but letters, digits, `-` and `_` becomes `_`; a
            value that is missing is `_`.
        standby: on how many connections it is received at the same time, 1 or 2. With 2,
            `message_id` must be given.
        message_id: how equal messages are known: a JSON pointer to a value that no other message
            of the feed has, or `hash:SECONDS`: the message itself, and the time in steps of so
            many seconds. With a hash, an equal message in the same step is taken for a copy, and
            two copies on both sides of a step for two messages. "" numbers the messages of a
            connection.
        overflow: what happens when the sink is slower than the feed: `pause` reads less from the
            server, `drop_oldest` drops and counts, `conflate` keeps the newest of each key.
        conflate: a JSON pointer to the key, for `conflate`. Messages without it are not dropped.
        max_queue: how many messages wait before that happens.
        max_message_size: bytes of the largest message.
        reconnect: how it connects again; `on_open` must be `None`.
    """

    name: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    subscribe: Sequence[str] = field(default=(), repr=False)
    subject: str = "feeds.{feed}"
    standby: int = 1
    message_id: str = ""
    overflow: Overflow = "pause"
    conflate: str | None = None
    max_queue: int = 4096
    max_message_size: int = 1 << 20
    reconnect: Reconnect = field(default_factory=Reconnect)

    def __post_init__(self) -> None:
        check_text("the name of a feed", self.name)
        if not _NAME.fullmatch(self.name):
            raise ValueError(
                f"the name of a feed has letters, digits, '-' and '_', not {self.name!r}"
            )
        self._check_types()
        if self.standby not in (1, 2):
            raise ValueError(f"feed {self.name}: standby is 1 or 2, not {self.standby!r}")
        if self.standby == 2 and not self.message_id:
            raise ValueError(
                f"feed {self.name}: with standby = 2, message_id says which copies are equal"
            )
        if self.overflow not in OVERFLOWS:
            allowed = ", ".join(OVERFLOWS)
            raise ValueError(
                f"feed {self.name}: overflow is one of {allowed}, not {self.overflow!r}"
            )
        if (self.conflate is None) == (self.overflow == "conflate"):
            raise ValueError(f"feed {self.name}: overflow 'conflate' and conflate need each other")
        if self.reconnect.on_open is not None:
            raise ValueError(f"feed {self.name}: use subscribe, not reconnect.on_open")
        subject_maker(self)
        id_maker(self)
        conflation_key(self)

    def _check_types(self) -> None:
        place = f"feed {self.name}:"
        check_url(f"{place} url", self.url)
        check_headers(f"{place} headers", self.headers)
        check_texts(f"{place} subscribe", self.subscribe)
        check_text(f"{place} subject", self.subject)
        check_text(f"{place} message_id", self.message_id)
        if self.conflate is not None:
            check_text(f"{place} conflate", self.conflate)
        check_number(f"{place} max_queue", self.max_queue)
        check_number(f"{place} max_message_size", self.max_message_size)


def subject_maker(feed: Feed) -> Callable[[Any], str]:
    """Return a function that makes the subject from a decoded message.

    Raises:
        ValueError: the template cannot be used.
    """
    parts = _FIELD.split(feed.subject)
    fixed = [part.replace("{feed}", feed.name) for part in parts[::2]]
    if any("{" in part or "}" in part for part in parts[::2]) or not feed.subject.strip("."):
        raise ValueError(f"feed {feed.name}: the subject {feed.subject!r} is no template")
    pointers: list[Callable[[Any], Any]] = []
    for name in parts[1::2]:
        if name == "feed":
            pointers.append(lambda _value: feed.name)
        elif name.startswith("/"):
            pointers.append(compile_pointer(name))
        else:
            raise ValueError(
                f"feed {feed.name}: the subject has {{feed}} and {{/pointer}}, not {{{name}}}"
            )

    def make(value: Any) -> str:
        subject = fixed[0]
        for look_up, rest in zip(pointers, fixed[1:], strict=True):
            subject += _token(look_up(value)) + rest
        return subject

    return make


def subject_pattern(feed: Feed) -> str:
    """Return what all subjects of a feed match: `*` stands for a token with a value."""
    tokens = feed.subject.replace("{feed}", feed.name)
    # The dots of a pointer end no token.
    plain = _FIELD.sub("{}", tokens)
    return ".".join("*" if "{}" in token else token for token in plain.split("."))


def id_maker(feed: Feed) -> Callable[[Any, bytes, float], str | None]:
    """Return a function that makes the id of a message; it returns `None` to have it numbered.

    The function is called with the decoded message, its bytes, and its time of arrival.

    Raises:
        ValueError: `message_id` is neither a pointer, nor a hash, nor empty.
    """
    rule = feed.message_id
    if not rule:
        return lambda _value, _data, _at: None
    step = _HASH.fullmatch(rule)
    if step is not None:
        seconds = float(step[1])
        if seconds <= 0:
            raise ValueError(f"feed {feed.name}: message_id {rule!r} needs more than 0 seconds")
        return lambda _value, data, at: f"{feed.name}:{int(at / seconds)}:{_digest(data)}"
    look_up = compile_pointer(rule)

    def make(value: Any, data: bytes, _at: float) -> str | None:
        key = look_up(value)
        if key is MISSING:
            # Such as the answer to a subscription. Equal ones of both connections are one.
            return f"{feed.name}:?{_digest(data)}"
        return f"{feed.name}:{_as_header(key)}"

    return make


def conflation_key(feed: Feed) -> Callable[[Message], Hashable] | None:
    """Return the function for `conflate=` of `connect`."""
    if feed.conflate is None:
        return None
    look_up = compile_pointer(feed.conflate)

    def key(message: Message) -> Hashable:
        found = look_up(decode(message.data))
        # `None`: it replaces nothing, and nothing replaces it.
        return None if found is MISSING else str(found)

    return key


def needs_decoding(feed: Feed) -> bool:
    """Return whether the subject or the id has a value of the message."""
    return "{/" in feed.subject or feed.message_id.startswith("/")


def _token(value: Any) -> str:
    return "_" if value is MISSING else (_UNSAFE.sub("_", str(value))[:_LONGEST_TOKEN] or "_")


def _as_header(key: Any) -> str:
    """Return a key as it can stand in a header, whatever the server has sent."""
    text = key if isinstance(key, str) else json.dumps(key, sort_keys=True)
    return text if _PLAIN.fullmatch(text) else f"#{_digest(text.encode())}"


def _digest(data: bytes) -> str:
    return blake2b(data, digest_size=16).hexdigest()
