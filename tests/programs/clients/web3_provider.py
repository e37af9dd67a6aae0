"""Requests and subscriptions with web3 over its `WebSocketProvider`."""

from __future__ import annotations

from programs.transcript import FAULT_TITLES, Transcript
from web3 import AsyncWeb3, WebSocketProvider

ACCOUNT = "0x0000000000000000000000000000000000000001"


def node(url: str) -> AsyncWeb3:
    """Return a client that is not connected yet, and gives up at the first refusal."""
    return AsyncWeb3(WebSocketProvider(url, max_connection_retries=1, request_timeout=3))


async def scenario(transcript: Transcript, url: str) -> None:
    """Talk, meet each fault, and reconnect."""
    with transcript.part("requests and a subscription"):
        async with node(url) as w3:
            transcript.say("connected:", await w3.provider.is_connected())
            with transcript.collecting("balances") as balances:
                for _ in range(250):
                    balances.append(await w3.eth.get_balance(ACCOUNT))
            await w3.eth.subscribe("newHeads")
            with transcript.collecting("blocks") as blocks:
                async for message in w3.socket.process_subscriptions():
                    blocks.append(message)
                    if len(blocks) == 200:
                        break
            await w3.provider.make_request("eth_nothing", [])
            await w3.eth.get_transaction_count(ACCOUNT)
        transcript.say("connected:", await w3.provider.is_connected())

    for title in FAULT_TITLES:
        with transcript.part(title), transcript.collecting("blocks") as blocks:
            async with node(url) as w3:
                for _ in range(50):
                    blocks.append(await w3.eth.block_number)

    with transcript.part("reconnecting"), transcript.collecting("blocks") as blocks:
        async for w3 in AsyncWeb3(WebSocketProvider(url)):
            try:
                while len(blocks) < 60:
                    blocks.append(await w3.eth.block_number)
                break
            except Exception as exc:
                transcript.say("raised", type(exc).__name__, exc)
