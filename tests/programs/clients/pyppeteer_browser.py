"""A browser driven by pyppeteer, which needs the legacy client of `websockets` 10."""

from __future__ import annotations

import hashlib

from programs.pages import CHROMIUM, PAGE, size_of
from programs.transcript import Transcript
from pyppeteer import launch


async def scenario(transcript: Transcript, _url: str) -> None:
    """Drive a browser, and close it."""
    with transcript.part("a page"):
        browser = await launch(
            headless=True, executablePath=CHROMIUM, args=["--no-sandbox", "--headless=new"]
        )
        page = await browser.newPage()
        await page.goto(PAGE)
        transcript.say(await page.title())
        with transcript.collecting("values") as values:
            for n in range(250):
                values.append(await page.evaluate(f"next({n})"))
        transcript.say(len(await page.evaluate("'€'.repeat(1 << 20)")))
        picture = await page.screenshot()
        transcript.say(size_of(picture), hashlib.sha256(picture).hexdigest())
        await page.click("h1")
        transcript.say(await page.evaluate("clicks"))
        with transcript.part("an error in the page"):
            await page.evaluate("noSuchFunction()")
        await browser.close()
        with transcript.part("after closing"):
            await page.evaluate("1")
