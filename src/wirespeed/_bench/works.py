"""The works to measure, one for each table of the report, and the presets that choose from them."""

from __future__ import annotations

import dataclasses
import fnmatch
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

Kind = Literal["receive", "send", "echo", "pipeline", "paced", "handshake", "memory"]
Payload = Literal["text", "utf8", "binary", "json"]

KIB: Final = 1024
MIB: Final = 1024 * 1024
# How many requests of a pipeline are in flight.
PIPELINE_DEPTH: Final = 32
SIZES: Final = (16, 64, 256, KIB, 16 * KIB, 64 * KIB, MIB)
# With larger messages each side would wait for the other one to read.
PIPELINED_SIZES: Final = SIZES[:5]
PAYLOADS: Final[tuple[Payload, ...]] = ("text", "utf8", "binary", "json")
# The size of a usual tick of market data.
TICK_BYTES: Final = 180
COMPRESSED: Final[tuple[tuple[int, Payload], ...]] = ((TICK_BYTES, "json"), (4 * KIB, "text"))
RATES: Final = (10_000, 50_000, 200_000)
IDLE_CONNECTIONS: Final = (100, 1_000, 5_000)

# The smallest size with room for a market quote.
_LEAST_BYTES: Final = {"json": 64}
_WORDS: Final = {"text": "text", "utf8": "UTF-8 text", "binary": "binary", "json": "JSON"}


@dataclass(frozen=True)
class Work:
    """One thing to measure, the same for every client.

    Attributes:
        kind: what the client does.
        size: the size of one message's payload in bytes.
        payload: the content of the messages: ASCII text, text of 3-byte UTF-8 characters, random
            bytes, or JSON that the client decodes or encodes.
        tls: whether the connection uses TLS.
        rate: messages a second of a paced feed, otherwise 0.
        connections: the number of idle connections, otherwise 0.
        compressed: whether the messages are compressed, with context takeover (RFC 7692). Text is
            then made of words, because random characters do not compress. JSON is not decoded,
            because that would cost several times as much as inflating.
    """

    kind: Kind
    size: int = 0
    payload: Payload = "text"
    tls: bool = False
    rate: int = 0
    connections: int = 0
    compressed: bool = False

    @property
    def key(self) -> str:
        """The short name for `--works`."""
        if self.kind == "memory":
            parts = ["memory", str(self.connections)]
        elif self.kind == "handshake":
            parts = ["handshake"]
        elif self.kind == "paced":
            parts = ["paced", f"{self.rate // 1000}k"]
        else:
            kind = "deflate" if self.compressed else self.kind
            parts = [kind, str(self.size), self.payload]
        return "-".join([*parts, *(["tls"] if self.tls else [])])

    @property
    def codes_json(self) -> bool:
        """Whether the client decodes or encodes JSON."""
        return self.payload == "json" and not self.compressed

    @property
    def title(self) -> str:
        """The title in the report."""
        what = f"{size_text(self.size)} {_WORDS[self.payload]}"
        title = {
            "receive": f"receive {what}",
            "send": f"send {what}",
            "echo": f"echo {what}, one in flight",
            "pipeline": f"echo {what}, {PIPELINE_DEPTH} in flight",
            "paced": f"feed of {self.rate:,} messages a second, {what}",
            "handshake": "opening handshake",
            "memory": f"{self.connections:,} idle connections",
        }[self.kind]
        title += ", compressed" if self.compressed else ""
        return title + (", TLS" if self.tls else "")

    @property
    def unit(self) -> str:
        """The unit of the main figure; less is always better."""
        if self.kind == "memory":
            return "KiB of RSS a connection"
        if self.kind == "handshake":
            return "CPU us a connection"
        return "CPU us a message"


def size_text(size: int) -> str:
    """Return a size with its unit, as in `16 KiB`."""
    if size >= MIB:
        return f"{size // MIB} MiB"
    return f"{size // KIB} KiB" if size >= KIB else f"{size} B"


def as_json(work: Work) -> dict[str, Any]:
    """Return the arguments with which another process makes the same work."""
    return dataclasses.asdict(work)


def _all_works() -> tuple[Work, ...]:
    moving: Sequence[Kind] = ("receive", "send")
    works = [
        *(
            Work(kind, size, payload)
            for kind in moving
            for payload in PAYLOADS
            for size in SIZES
            if size >= _LEAST_BYTES.get(payload, 0)
        ),
        Work("receive", TICK_BYTES, "json"),
        *(Work(kind, size, "text", tls=True) for kind in moving for size in SIZES),
        *(Work("echo", size, tls=tls) for tls in (False, True) for size in SIZES),
        *(Work("pipeline", size, tls=tls) for tls in (False, True) for size in PIPELINED_SIZES),
        *(Work("receive", size, kind, compressed=True) for size, kind in COMPRESSED),
        *(Work("paced", 64, rate=rate) for rate in RATES),
        *(Work("handshake", tls=tls) for tls in (False, True)),
        *(Work("memory", connections=count) for count in IDLE_CONNECTIONS),
    ]
    return tuple(works)


ALL_WORKS: Final = _all_works()

QUICK: Final = (
    "receive-64-text",
    f"receive-{KIB}-utf8",
    f"receive-{MIB}-binary",
    "receive-256-text-tls",
    "send-64-text",
    "echo-256-text",
    "paced-50k",
    "handshake",
)
HEADLINE: Final = (
    "receive-64-text",
    f"receive-{KIB}-utf8",
    f"receive-{TICK_BYTES}-json",
    "receive-256-json",
    f"receive-{MIB}-binary",
    "receive-256-text-tls",
    "send-64-text",
    f"send-{64 * KIB}-binary",
    f"send-{MIB}-binary",
    f"send-{KIB}-text-tls",
    "echo-256-text",
    "echo-256-text-tls",
    "pipeline-256-text",
    *(f"deflate-{size}-{kind}" for size, kind in COMPRESSED),
    *(f"paced-{rate // 1000}k" for rate in RATES),
    "handshake",
    "handshake-tls",
    "memory-100",
    "memory-1000",
)


def chosen(patterns: Iterable[str]) -> tuple[Work, ...]:
    """Return the works whose keys match any of `patterns`, in which `*` matches anything.

    Raises:
        ValueError: nothing matches one of them.
    """
    keys = {work.key: work for work in ALL_WORKS}
    found: dict[str, Work] = {}
    for pattern in patterns:
        matching = fnmatch.filter(keys, pattern)
        if not matching:
            raise ValueError(f"no work matches {pattern!r}; --list names them all")
        found |= {key: keys[key] for key in matching}
    return tuple(found.values())
