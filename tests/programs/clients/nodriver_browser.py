"""A browser driven by nodriver: navigation, evaluation and screenshots."""

from __future__ import annotations

import nodriver
from nodriver import cdp
from programs.pages import CHROMIUM
from programs.tabs import use_a_page
from programs.transcript import Transcript


async def scenario(transcript: Transcript, _url: str) -> None:
    """Drive a browser, and stop it."""
    with transcript.part("a page"):
        browser = await nodriver.start(
            headless=True, sandbox=False, browser_executable_path=CHROMIUM
        )
        await use_a_page(transcript, browser, cdp)
        with transcript.part("stopping"):
            browser.stop()
