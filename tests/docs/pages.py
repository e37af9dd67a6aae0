"""The Python blocks of the pages for users, and how each of them is to be run.

A comment in the page's source, directly above a block, says what differs from the rule:

    <!-- server: echo -->       the server that it talks to; `ticks` without it
    <!-- raises: ReadTimeout -->   how it ends
    <!-- not run: why -->       it is not run
    <!-- prints -->             above a block of text: what the Python block before it prints
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
# Their blocks are run by tests of their own, which also look at what they do.
TESTED_ELSEWHERE: Final = frozenset({"metrics.md", "reconnect.md", "relay.md", "testing.md"})
_FENCE: Final = re.compile(
    r"(?P<notes>(?:^<!--[^\n]*-->\n)*)^```(?P<kind>\w+)\n(?P<code>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
_NOTE: Final = re.compile(r"^<!-- ([a-z ]+)(?:: (.*))? -->$", re.MULTILINE)
_KINDS: Final = frozenset({"server", "raises", "not run", "prints"})


@dataclass(frozen=True)
class Block:
    """A block of Python.

    Attributes:
        line: where it begins in its page.
        code: the block.
        server: the name of the server that it talks to.
        raises: the name of the exception that it ends with; `None` for none.
        not_run: why it is not run; `None` if it is.
        prints: what it prints; `None` if the page does not say.
    """

    line: int
    code: str
    server: str = "ticks"
    raises: str | None = None
    not_run: str | None = None
    prints: str | None = None


def pages() -> list[Path]:
    """Return the pages for users."""
    found = [path for path in (ROOT / "docs").rglob("*.md") if "_build" not in path.parts]
    return [ROOT / "README.md", *sorted(found)]


def blocks_of(page: Path) -> list[Block]:
    """Return the Python blocks of a page.

    Raises:
        ValueError: a comment above a block cannot be understood.
    """
    text = page.read_text(encoding="utf-8")
    blocks: list[Block] = []
    for match in _FENCE.finditer(text):
        notes = dict(_NOTE.findall(match["notes"]))
        line = text.count("\n", 0, match.start("code"))
        if unknown := notes.keys() - _KINDS:
            raise ValueError(f"{page.name}:{line}: unknown notes {sorted(unknown)}")
        if match["kind"] == "python":
            blocks.append(
                Block(
                    line,
                    match["code"],
                    server=notes.get("server", "ticks"),
                    raises=notes.get("raises"),
                    not_run=notes.get("not run"),
                )
            )
        elif "prints" in notes:
            last = blocks.pop()
            prints = match["code"]
            blocks.append(
                Block(last.line, last.code, last.server, last.raises, last.not_run, prints)
            )
    return blocks
