"""What the scenarios of nodriver and of its fork zendriver have in common."""

from __future__ import annotations

import hashlib
from base64 import b64decode
from typing import Any

from programs.pages import PAGE, size_of
from programs.transcript import Transcript


async def use_a_page(transcript: Transcript, browser: Any, cdp: Any) -> Any:
    """Navigate, evaluate, take a screenshot and click; return the tab.

    Args:
        transcript: where to say what was seen.
        browser: the running browser.
        cdp: the package's module of commands.
    """
    tab = await browser.get(PAGE)
    # `get` may return before the page is loaded. Each question is a round trip to the browser.
    while await tab.evaluate("document.title") != "a page":
        pass
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
    with transcript.part("a node that is not there"):
        await tab.send(cdp.dom.get_attributes(cdp.dom.NodeId(987654)))
    return tab
