"""A browser driven by zendriver: navigation, evaluation, events and screenshots."""

from __future__ import annotations

import asyncio
import hashlib
from base64 import b64decode

import zendriver
from programs.pages import CHROMIUM, PAGE, size_of
from programs.transcript import Transcript
from zendriver import cdp


async def scenario(transcript: Transcript, _url: str) -> None:
    """Drive a browser, and lose it."""
    with transcript.part("a page"):
        browser = await zendriver.start(
            headless=True, sandbox=False, browser_executable_path=CHROMIUM
        )
        tab = await browser.get(PAGE)
        # `get` may return before the page is loaded.
        while await tab.evaluate("document.title") != "a page":
            await asyncio.sleep(0.05)
        heading = await tab.select("h1")
        transcript.say(await tab.evaluate("document.title"))
        with transcript.collecting("values") as values:
            for n in range(250):
                values.append(await tab.evaluate(f"next({n})"))
        transcript.say(len(await tab.evaluate("'€'.repeat(1 << 20)")))
        picture = b64decode(await tab.send(cdp.page.capture_screenshot()))
        transcript.say(size_of(picture), hashlib.sha256(picture).hexdigest())
        await heading.click()
        transcript.say(await tab.evaluate("clicks"))
        with transcript.part("an unknown method"):
            await tab.send(cdp.dom.get_attributes(cdp.dom.NodeId(987654)))
    with transcript.part("the browser crashes"):
        await browser.stop()
        transcript.say("closed:", tab.closed)
        await tab.evaluate("1")
