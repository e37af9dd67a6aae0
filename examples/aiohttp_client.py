"""A program for `aiohttp` with one import changed: it answers each text until one says "close".

Usage: python examples/aiohttp_client.py ws://127.0.0.1:8765/
"""

# The program is kept as it was.
# ruff: noqa: RET508, SIM114

import asyncio
import sys

from wirespeed.compat import aiohttp


async def answer(url: str) -> None:
    """Answer each text message."""
    ws = await aiohttp.ws_connect(url)

    while True:
        msg = await ws.receive()

        if msg.tp == aiohttp.MsgType.text:
            if msg.data == "close":
                await ws.close()
                break
            else:
                ws.send_str(msg.data + "/answer")  # type: ignore[unused-coroutine]
        elif msg.tp == aiohttp.MsgType.closed:
            break
        elif msg.tp == aiohttp.MsgType.error:
            break


if __name__ == "__main__":
    asyncio.run(answer(sys.argv[1]))
