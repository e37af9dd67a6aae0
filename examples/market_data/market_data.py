"""The newest price of each symbol, from a feed that may be faster than its consumer.

Ticks are `{"symbol": ..., "seq": N, "price": ...}`, where `seq` counts up for each symbol. A tick
that gave way to a newer one in the queue is no gap; one that never arrived is.
Usage: `python -m examples.market_data.market_data URL SYMBOL...`.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Iterable

import msgspec

import wirespeed


class Tick(msgspec.Struct, gc=False):
    """One price."""

    symbol: str
    seq: int
    price: float


_decode = msgspec.json.Decoder(Tick).decode


class Feed:
    """The ticks of some symbols.

    Args:
        url: where to connect.
        symbols: what to subscribe to, on each connection.
        reconnect: when to connect again; its `on_open` is not used.

    Attributes:
        replaced: how many ticks gave way to newer ones, because the consumer was slower.
        gaps: for each symbol, how many ticks are missing that never arrived.
    """

    def __init__(
        self, url: str, symbols: Iterable[str], reconnect: wirespeed.Reconnect | None = None
    ) -> None:
        self.replaced = 0
        self.gaps: dict[str, int] = {}
        self._symbols = list(symbols)
        self._newest: dict[str, int] = {}
        # How many ticks were replaced since the last one of the symbol that was taken.
        self._replaced: dict[str, int] = {}
        self._connecting = wirespeed.connect(
            url,
            conflate=lambda message: _decode(message.data).symbol,
            on_drop=self._count_replaced,
            reconnect=reconnect or wirespeed.Reconnect(initial=0.1),
        )

    async def ticks(self) -> AsyncIterator[Tick]:
        """Iterate over the newest tick of each symbol.

        Raises:
            OSError: there will be no further connection.
        """
        async for ws in self._connecting:
            await ws.send_json({"subscribe": self._symbols})
            try:
                async for tick in ws.json(type=Tick):
                    self._find_gap(tick)
                    yield tick
            except wirespeed.ConnectionDisconnected:
                continue

    def _find_gap(self, tick: Tick) -> None:
        last = self._newest.get(tick.symbol, tick.seq - 1)
        missing = tick.seq - last - 1 - self._replaced.pop(tick.symbol, 0)
        if missing > 0:
            self.gaps[tick.symbol] = self.gaps.get(tick.symbol, 0) + missing
        self._newest[tick.symbol] = tick.seq

    def _count_replaced(self, message: wirespeed.Message) -> None:
        symbol = _decode(message.data).symbol
        self._replaced[symbol] = self._replaced.get(symbol, 0) + 1
        self.replaced += 1


async def main(url: str, *symbols: str) -> None:
    """Print the ticks."""
    async for tick in Feed(url, symbols).ticks():
        print(tick)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
