"""A feed of trades with alpaca's `CryptoDataStream`, on the legacy client of `websockets`."""

from __future__ import annotations

import asyncio
from typing import Any

from alpaca.data.live import CryptoDataStream
from programs.transcript import Transcript


async def scenario(transcript: Transcript, url: str) -> None:
    """Read a feed, with a subscription more for each trade, and restart it."""
    with transcript.log_of("alpaca"):
        with transcript.part("a feed"), transcript.collecting("trades") as trades:
            await streamed(url, trades, 250)
        with transcript.part("restarts"), transcript.collecting("trades") as trades:
            await streamed(url, trades, 100)


async def streamed(url: str, trades: list[object], limit: int) -> None:
    """Run a stream until it has given some trades."""
    stream = CryptoDataStream("key", "secret", raw_data=True, url_override=url)

    async def traded(trade: Any) -> None:
        trades.append(trade)
        if len(trades) == limit:
            await stream.stop_ws()
        else:
            # It waits for the loop, so it is for other threads only.
            await asyncio.to_thread(stream.subscribe_trades, traded, f"COIN{len(trades)}")

    stream.subscribe_trades(traded, "COIN0")
    await stream._run_forever()
