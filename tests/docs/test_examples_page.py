"""Every example stands on the page of examples, and is linked from a page that it illustrates."""

from __future__ import annotations

import pytest
from docs.pages import ROOT, pages

EXAMPLES = sorted(
    path.relative_to(ROOT / "examples").as_posix() for path in (ROOT / "examples").rglob("*.py")
)
OVERVIEW = ROOT / "docs" / "examples.md"
OTHERS = "".join(page.read_text(encoding="utf-8") for page in pages() if page != OVERVIEW)


def test_examples_were_found() -> None:
    assert len(EXAMPLES) > 10


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_is_shown_and_linked(example: str) -> None:
    text = OVERVIEW.read_text(encoding="utf-8")
    assert f"```{{literalinclude}} ../examples/{example}\n" in text
    folder, slash, _ = example.partition("/")
    heading = folder.removesuffix(".py").replace("_", "-")
    assert f"\n## {heading}\n" in text
    assert f"/examples/{folder}{slash})" in OTHERS
