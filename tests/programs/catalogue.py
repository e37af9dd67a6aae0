"""The programs, their packages and the versions that they run with.

This is the only place with versions. They are the newest of the index, with the newest
`websockets`, `aiohttp` or `aiosonic` that each allows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, kw_only=True)
class Program:
    """A program to run.

    Attributes:
        package: the package on the index, with its version.
        version: the version of the library to run it on.
        library: the library that wirespeed takes the place of, as it is called on the index.
        others: further requirements, where the package's own are not enough.
        what: what is run, for the table.
        tls: whether the server speaks TLS.
        apart: whether the server is a program in the same environment, and not built on `faults`.
        browser: whether this needs Chromium, which is the server then.
        needs: a further command that must be installed; without it, the program is left out.
        fast: whether this is one of the few that run with every change.
    """

    package: str
    version: str
    what: str
    library: str = "websockets"
    others: tuple[str, ...] = ()
    tls: bool = False
    apart: bool = False
    browser: bool = False
    needs: str = ""
    fast: bool = False

    @property
    def requirements(self) -> tuple[str, ...]:
        """What to install."""
        return (self.package, f"{self.library}=={self.version}", *self.others)


PROGRAMS: Final = {
    "gql_subscriptions": Program(
        package="gql[websockets]==4.4.0",
        version="17.4",
        what="queries and a subscription over `WebsocketsTransport`; reconnects",
    ),
    "openai_realtime": Program(
        package="openai[realtime]==3.57.0",
        version="15.0.1",
        what="realtime conversations of `AsyncOpenAI`; reconnects",
    ),
    "deepgram_listen": Program(
        package="deepgram-sdk==7.17.0",
        version="17.4",
        what="live transcriptions of `AsyncDeepgramClient`, in audio and text",
    ),
    "web3_provider": Program(
        package="web3==8.0.0",
        version="17.4",
        what="requests and a subscription over `WebSocketProvider`; reconnects",
    ),
    "polygon_stocks": Program(
        package="polygon-api-client==1.16.3",
        version="17.4",
        what="a feed of trades to `WebSocketClient`; reconnects by iterating over `connect`",
    ),
    "okx_public": Program(
        package="python-okx==0.4.4",
        version="17.4",
        what="subscriptions of `WsPublicAsync`, over TLS",
        tls=True,
        fast=True,
    ),
    "xrpl_ledger": Program(
        package="xrpl-py==5.2.0",
        version="15.0.1",
        what="requests and a subscription of `AsyncWebsocketClient`",
        fast=True,
    ),
    "solana_slots": Program(
        package="solana==0.41.0",
        version="17.4",
        what="subscriptions of `SolanaWsClient`",
    ),
    "alpaca_crypto": Program(
        package="alpaca-py==0.44.0",
        version="17.4",
        what="a feed of trades to `CryptoDataStream`, on the legacy client; reconnects",
    ),
    "binance_streams": Program(
        package="python-binance==1.0.37",
        version="17.4",
        what="requests of `AsyncClient` and a stream of `BinanceSocketManager`; reconnects",
    ),
    "genai_live": Program(
        package="google-genai==3.6.1",
        version="17.4",
        what="live sessions of `Client().aio.live`, over TLS",
        tls=True,
    ),
    "elevenlabs_scribe": Program(
        package="elevenlabs==2.78.0",
        version="17.4",
        what="live transcriptions of `ElevenLabs().speech_to_text.realtime`",
    ),
    "assemblyai_realtime": Program(
        package="assemblyai==1.8.2",
        version="17.4",
        what="live transcriptions of `AsyncRealTimeTranscriber`, in audio and text",
    ),
    "hume_chat": Program(
        package="hume==0.14.1",
        version="17.4",
        what="chats of `AsyncHumeClient`, on the legacy client",
        fast=True,
    ),
    "cryptofeed_connection": Program(
        package="cryptofeed==2.4.1",
        version="17.4",
        what="a feed through `WSAsyncConn` and `ConnectionHandler`, over TLS; reconnects",
        tls=True,
    ),
    "zendriver_browser": Program(
        package="zendriver==0.17.1",
        version="17.4",
        what="a page in Debian's Chromium: navigation, evaluation, a screenshot, a click",
        browser=True,
    ),
    "nodriver_browser": Program(
        package="nodriver==0.50.99",
        version="17.4",
        what="a page in Debian's Chromium: navigation, evaluation, a screenshot, a click",
        browser=True,
    ),
    "pydoll_browser": Program(
        package="pydoll-python==3.0.0",
        version="16.1.1",
        what="a page in Debian's Chromium: navigation, evaluation, a screenshot, a click",
        browser=True,
    ),
    "pyppeteer_browser": Program(
        package="pyppeteer==2.0.0",
        version="10.4",
        what="a page in Debian's Chromium: navigation, evaluation, a screenshot, a click",
        browser=True,
    ),
    "socketio_events": Program(
        package="python-socketio==5.18.1",
        library="aiohttp",
        version="3.14.5",
        what="events and calls of `AsyncClient`, by polls and WebSockets; reconnects",
        apart=True,
    ),
    "gql_aiohttp": Program(
        package="gql[aiohttp]==4.4.0",
        library="aiohttp",
        version="3.14.5",
        what="queries and a subscription over `AIOHTTPWebsocketsTransport`; reconnects",
    ),
    "slack_socket_mode": Program(
        package="slack-sdk==3.48.0",
        library="aiohttp",
        version="3.14.5",
        what="events of `SocketModeClient`; reconnects",
    ),
    "hass_states": Program(
        package="hass-client==1.4.1",
        library="aiohttp",
        version="3.14.5",
        what="calls and events of `HomeAssistantClient`",
        fast=True,
    ),
    "nats_subjects": Program(
        package="nats-py==2.16.0",
        library="aiohttp",
        version="3.14.5",
        what="messages and requests over `ws://`, with Debian's `nats-server`; reconnects",
        apart=True,
        needs="nats-server",
    ),
    "discord_gateway": Program(
        package="discord.py==2.7.1",
        library="aiohttp",
        version="3.14.5",
        what="messages and heartbeats of `Client`, in a zlib stream; resumes after faults",
        apart=True,
    ),
    "music_assistant": Program(
        package="music-assistant-client==1.3.4",
        library="aiohttp",
        version="3.14.5",
        what="commands and events of `MusicAssistantClient`, compressed",
    ),
    "aiosonic_feed": Program(
        package="aiosonic==1.3.3",
        library="aiosonic",
        version="1.3.3",
        what="a feed through `WebSocketClient`, written for its documented interface",
        fast=True,
    ),
}
