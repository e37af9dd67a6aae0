"""A browser driven by pydoll: navigation, evaluation and screenshots."""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path
from typing import Any

from programs.pages import CHROMIUM, PAGE, size_of
from programs.transcript import Transcript
from pydoll.browser import Chrome
from pydoll.browser.options import ChromiumOptions


async def scenario(transcript: Transcript, _url: str) -> None:
    """Drive a browser, and lose it."""
    options = ChromiumOptions()
    options.binary_location = CHROMIUM
    for argument in ("--headless=new", "--no-sandbox"):
        options.add_argument(argument)
    with transcript.part("a page"):
        async with Chrome(options=options) as browser:
            tab = await browser.start()
            await tab.go_to(PAGE)
            transcript.say(await tab.title())
            with transcript.collecting("values") as values:
                for n in range(250):
                    values.append(await value_of(tab, f"next({n})"))
            transcript.say(len(str(await value_of(tab, "'€'.repeat(1 << 20)"))))
            with tempfile.TemporaryDirectory() as directory:
                await tab.take_screenshot(f"{directory}/page.png")
                picture = read(f"{directory}/page.png")
            transcript.say(size_of(picture), hashlib.sha256(picture).hexdigest())
            heading = await tab.find(tag_name="h1")
            await heading.click()
            transcript.say(await value_of(tab, "clicks"))
            with transcript.part("an element that is not there"):
                await tab.find(tag_name="h6")


async def value_of(tab: Any, expression: str) -> Any:
    """Evaluate an expression in the page."""
    answer = await tab.execute_script(f"return {expression}")
    return answer["result"]["result"].get("value")


def read(path: str) -> bytes:
    """Return what is in a file."""
    return Path(path).read_bytes()
