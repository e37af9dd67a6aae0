"""A browser driven by zendriver: navigation, evaluation, events and screenshots."""

from __future__ import annotations

import zendriver
from programs.pages import CHROMIUM
from programs.tabs import use_a_page
from programs.transcript import Transcript
from zendriver import cdp


async def scenario(transcript: Transcript, _url: str) -> None:
    """Drive a browser, and lose it."""
    with transcript.part("a page"):
        browser = await zendriver.start(
            headless=True, sandbox=False, browser_executable_path=CHROMIUM
        )
        tab = await use_a_page(transcript, browser, cdp)
    with transcript.part("the browser crashes"):
        await browser.stop()
        transcript.say("closed:", tab.closed)
        await tab.evaluate("1")
