"""wirespeed, with JSON decoded to objects of msgspec."""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec

from .client import Message
from .wirespeed_client import Each


# Objects that refer to no others of their kind are not tracked by the garbage collector.
class Quote(msgspec.Struct, gc=False):
    """One quote of a tick."""

    s: str
    p: float
    n: int


class Tick(msgspec.Struct, gc=False):
    """The JSON of `payloads`."""

    t: list[Quote]
    f: str


class Typed(Each):
    """Receives each message as a `Tick`."""

    packages: ClassVar[tuple[str, ...]] = ("wirespeed", "msgspec")
    receives: ClassVar[str] = "json(type=Tick)"

    async def receive(self, count: int) -> Message:
        """Iterate over the decoded messages."""
        async for tick in self._ws.json(type=Tick):
            count -= 1
            if not count:
                # Converted once a slice, for the check of the last message.
                last: Any = msgspec.to_builtins(tick)
                return last
        return None
