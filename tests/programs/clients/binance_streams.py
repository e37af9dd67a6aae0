"""Streams and requests with python-binance."""

from __future__ import annotations

from typing import Any

from binance import AsyncClient, BinanceSocketManager
from programs.transcript import Transcript


async def scenario(transcript: Transcript, url: str) -> None:
    """Ask for prices, and read a stream across faults."""
    with transcript.part("requests"), transcript.collecting("prices") as prices:
        client = client_of(url)
        for n in range(250):
            prices.append(await client.ws_get_symbol_ticker(symbol=f"COIN{n}"))
        try:
            await client.ws_get_exchange_info()
        finally:
            await client.close_connection()

    with (
        transcript.part("a stream"),
        transcript.log_of("binance"),
        transcript.collecting("events") as events,
    ):
        manager = BinanceSocketManager(AsyncClient(), max_queue_size=1000)
        manager.STREAM_URL = f"{url}/"
        async with manager.trade_socket("BNBBTC") as socket:
            # Errors arrive as events; the socket connects again by itself.
            event: Any = {}
            while event.get("t") != 59:
                event = await socket.recv()
                events.append(event)
                if event["e"] == "error":
                    transcript.say(event)


def client_of(url: str) -> Any:
    """Return a client of the server, which connects with the first request."""
    AsyncClient.WS_API_URL = f"{url}/ws-api/v3"
    return AsyncClient()
