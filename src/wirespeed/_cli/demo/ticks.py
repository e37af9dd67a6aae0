"""Makes market ticks for the demo: a thousand frames at a time, from a prepared template.

Does no I/O.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from ..._base.rfc6455 import OPCODE_TEXT, frame_header

# A power of ten, so that only the last digits of the sequence number differ within a block.
BLOCK_TICKS: Final = 1000
_LOW_DIGITS: Final = len(str(BLOCK_TICKS - 1))

_MARKETS: Final = {
    "BTCUSD": 67012.35,
    "ETHUSD": 3521.18,
    "SOLUSD": 148.62,
    "XRPUSD": 0.5214,
    "ADAUSD": 0.4471,
    "LTCEUR": 78.90,
    "DOGEUSDT": 0.15832,
    "AVAXUSDT": 28.457,
}


@dataclass(frozen=True)
class Quote:
    """The fields that differ between the ticks of a block, besides the sequence number."""

    market: str
    price: str
    quantity: str

    def head(self) -> str:
        """Return the first part of a tick's JSON text."""
        return f'{{"s":"{self.market}","p":"{self.price}","q":"{self.quantity}",'


def quotes(count: int) -> list[Quote]:
    """Make quotes of several markets; they are the same in each run."""
    chance = random.Random(6455)  # noqa: S311  # prices, not keys
    prices = dict(_MARKETS)
    made = []
    for _ in range(count):
        market = chance.choice(list(_MARKETS))
        prices[market] *= 1 + chance.gauss(0, 0.0005)
        price = f"{prices[market]:.{2 if prices[market] > 1000 else 4}f}"
        made.append(Quote(market, price, f"{chance.expovariate(0.5):.4f}"))
    return made


class Template:
    """The frames of a block, split where the block's time and number are inserted.

    All frames of a block have the same time and the same leading digits in the sequence number.
    One `join` with these makes a thousand frames.

    Args:
        ticks: the quotes of the block.
        leading_digits: how many digits of the sequence number come before the last three; 0 for
            the block that begins with the number 0.
    """

    def __init__(self, ticks: list[Quote], leading_digits: int) -> None:
        middle_bytes = len(_middle("", 0)) + leading_digits
        self._pieces = []
        self._tails = []
        tail = b""
        for index, quote in enumerate(ticks):
            low = f"{index:0{_LOW_DIGITS}d}" if leading_digits else str(index)
            head = quote.head().encode()
            header = frame_header(OPCODE_TEXT, len(head) + middle_bytes + len(low) + 1)
            self._pieces.append(tail + header + head)
            tail = low.encode() + b"}"
            self._tails.append(tail)

    def block(self, leading: str, count: int, milliseconds: int) -> bytes:
        """Return the first `count` frames of the block whose numbers begin with `leading`."""
        pieces = [*self._pieces[:count], self._tails[count - 1]]
        return _middle(leading, milliseconds).join(pieces)


def _middle(leading: str, milliseconds: int) -> bytes:
    return f'"t":{milliseconds:013d},"n":{leading}'.encode()


def blocks(count: int | None = None) -> Iterator[tuple[int, bytes]]:
    """Yield ticks, numbered from 0, as unmasked text frames: pairs of a number and its frames.

    Args:
        count: how many ticks to make; `None` for no end.
    """
    ticks = quotes(BLOCK_TICKS)
    template = Template(ticks, 0)
    leading = ""
    number = 0
    while count is None or number < count:
        size = BLOCK_TICKS if count is None else min(BLOCK_TICKS, count - number)
        yield size, template.block(leading, size, time.time_ns() // 1_000_000)
        number += size
        longer = str(number // BLOCK_TICKS)
        if len(longer) != len(leading):
            template = Template(ticks, len(longer))
        leading = longer
