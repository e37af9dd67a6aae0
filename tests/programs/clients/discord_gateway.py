"""A bot of discord.py at Discord's gateway, which reconnects by itself and resumes its session."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import discord
import yarl
from discord.gateway import DiscordWebSocket
from discord.http import Route
from programs.transcript import Transcript


class Bot(discord.Client):  # type: ignore[misc] # discord.py is not installed for mypy
    """A bot that tells what happens to it."""

    def __init__(self, **options: Any) -> None:
        # Without guilds there are none to wait for.
        intents = discord.Intents(dm_messages=True)
        super().__init__(intents=intents, guild_ready_timeout=0, **options)
        self.told: asyncio.Queue[str] = asyncio.Queue()
        self.messages: asyncio.Queue[tuple[int, str]] = asyncio.Queue()

    async def on_ready(self) -> None:
        self.told.put_nowait("ready")

    async def on_resumed(self) -> None:
        self.told.put_nowait("resumed")

    async def on_message(self, message: Any) -> None:
        self.messages.put_nowait((message.id, message.content))

    async def play(self, game: str) -> None:
        """Play a game; its name is a command for the server."""
        await self.change_presence(activity=discord.Game(game))

    async def hear(self, transcript: Transcript, times: int) -> None:
        """Take messages."""
        with transcript.collecting("messages") as messages:
            while len(messages) < times:
                messages.append(await self.messages.get())


@contextlib.asynccontextmanager
async def running(transcript: Transcript, **options: Any) -> AsyncIterator[Bot]:
    """Yield a bot that has started its session; end it, and raise what ended it."""
    async with Bot(**options) as bot:
        await bot.login("of-the-test")
        connecting = asyncio.create_task(bot.connect())
        try:
            transcript.say(await bot.told.get(), bot.user)
            yield bot
            if not bot.is_closed():
                await bot.play("leave")
                await bot.close()
        finally:
            await connecting


async def scenario(transcript: Transcript, url: str) -> None:
    """Talk, resume after each fault, and be sent away."""
    Route.BASE = url.replace("ws://", "http://")
    DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(f"{url}/gateway")

    with transcript.part("messages and heartbeats"):
        async with running(transcript) as bot:
            for n in range(60):
                await bot.play("say" + f" tick {n} €" * (n % 20))
            await bot.hear(transcript, 60)
            await bot.play("count 300")
            await bot.hear(transcript, 300)
            await bot.play("beats 3")
            await bot.hear(transcript, 1)
            transcript.say("heartbeats are answered:", bot.latency < 30)
        transcript.say("closed:", bot.is_closed())

    with transcript.part("faults after which the bot resumes"):
        async with running(transcript) as bot:
            for command in ("close 4000", "close 1000", "close 1012", "reconnect", "reset"):
                await bot.play(command)
                transcript.say(f"{command}:", await bot.told.get())
                await bot.hear(transcript, 20)
            await bot.play("forget")
            transcript.say("forget:", await bot.told.get())
            await bot.play("say I am back")
            await bot.hear(transcript, 1)

    with transcript.part("silence"):
        async with running(transcript, heartbeat_timeout=2.0) as bot:
            await bot.play("hush")
            transcript.say("hush:", await bot.told.get())
            await bot.hear(transcript, 20)

    for code in (4004, 4014):
        with transcript.part(f"closed with {code}"):
            async with running(transcript) as bot:
                await bot.play(f"close {code}")
                await bot.wait_for("disconnect")

    for status in (401, 503):
        with transcript.part(f"refused with {status}"):
            async with Bot() as bot:
                await bot.login("of-the-test")
                try:
                    await bot.connect(reconnect=False)
                except aiohttp.WSServerHandshakeError as exc:
                    # Its text has the query of the URL with aiohttp only.
                    transcript.say("raised", type(exc).__name__, exc.status, exc.message)
