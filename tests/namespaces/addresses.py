"""Scenes in which an address stops working: the client's own, or one of the server's."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

from namespaces.link import (
    CLIENT_IPV4,
    CUT_IPV6,
    NAME,
    OTHER_CLIENT_IPV4,
    PORT,
    SERVER_IPV4,
    SERVER_IPV6,
)
from namespaces.numbered import numbered
from namespaces.scene import Scene, scene, summary

from wirespeed import ConnectionDisconnected, Reconnect


@scene
async def the_clients_address_goes_away(scene: Scene) -> None:
    """A laptop that moves to another network: what was open is dead, the next one works."""
    received: list[list[int]] = []
    addresses = []
    connecting = scene.connect("/feed?pause=0.002", reconnect=Reconnect(initial=0.5))
    async for ws in connecting:
        received.append([])
        addresses.append(ws.local_address[0])
        for _ in range(200):
            received[-1].append(int(await ws.receive_text()))
        if len(received) == 2:
            await ws.close()
            break
        await scene.link.remove_address()
        async with scene.noticing():
            try:
                async for message in ws:
                    received[-1].append(int(message))
            except ConnectionDisconnected as exc:
                assert exc.code == 1006, exc
        assert len(received[-1]) == ws.stats.messages_received
        await scene.link.add_other_address()
    assert addresses == [CLIENT_IPV4, OTHER_CLIENT_IPV4]
    for numbers in received:
        assert numbers == list(range(len(numbers)))
    scene.told = f"{len(received[0])} messages, none lost; open again from the new address"


@scene
async def a_dead_ipv6_address(scene: Scene) -> None:
    """The name has two addresses. That of IPv6, which comes first, answers nothing."""

    async def getaddrinfo(*_: object, **__: object) -> list[Any]:
        return [
            (socket.AF_INET6, socket.SOCK_STREAM, 0, "", (SERVER_IPV6, PORT, 0, 0)),
            (socket.AF_INET, socket.SOCK_STREAM, 0, "", (SERVER_IPV4, PORT)),
        ]

    # For the rest of the process, which plays no other scene.
    setattr(type(asyncio.get_running_loop()), "getaddrinfo", getaddrinfo)  # noqa: B010
    async with scene.connect("/sink", NAME, family=socket.AF_INET6) as ws:
        assert ws.remote_address[0] == SERVER_IPV6
    await scene.link.cut(CUT_IPV6)
    async with scene.noticing():
        ws = await scene.connect("/sink", NAME, family=0)
    assert ws.remote_address[0] == SERVER_IPV4
    await ws.send_text(numbered(0, 10))
    assert (await summary(ws))["received"] == 1
    await ws.close()
    assert ws.close_code == 1000
    scene.told = "open over IPv4; over IPv6 before it was dead"
