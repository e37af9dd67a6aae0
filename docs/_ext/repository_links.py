"""Leads links to files of the repository to the pages of the site that have their content.

The sources of the pages keep links that work where the repository is read, `../README.md`.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
LINK = re.compile(r"(?<=\]\()(?P<path>[^)#:\s]+)?(?P<anchor>#[^)\s]*)?(?=\))")
PAGES = {
    "README.md": "/index.md",
    "CHANGELOG.md": "/changelog.md",
    "CONTRIBUTING.md": "/contributing.md",
    "SECURITY.md": "/security.md",
    "benchmarks/README.md": "/benchmarks.md",
    "benchmarks/results/report.md": "/report.md",
    "examples/README.md": "/examples.md",
    "src/wirespeed/_bench": "/benchmarks.md",
    "benchmarks/counts/figures": "/benchmarks.md",
}


def page_of(path: str) -> str | None:
    """Return the page for a file of the repository; `None` if Sphinx finds the file itself."""
    path = path.rstrip("/")
    if path.startswith("docs/"):
        return "/" + path.removeprefix("docs/")
    if path.startswith("examples/") and path not in PAGES:
        return "/examples.md#" + path.split("/")[1].removesuffix(".py").replace("_", "-")
    return PAGES.get(path)


def rewrite(text: str, folder: str) -> str:
    """Rewrite the links of a text that stands in `folder` of the repository."""

    def replacement(match: re.Match[str]) -> str:
        path, anchor = match["path"], match["anchor"] or ""
        if not path or path.startswith("/"):
            return match[0]
        page = page_of(posixpath.normpath(posixpath.join(folder, path)))
        return match[0] if page is None else page + ("" if "#" in page else anchor)

    return LINK.sub(replacement, text)


def rewrite_page(app: Any, name: str, source: list[str]) -> None:
    """Rewrite the links of a page."""
    source[0] = rewrite(source[0], posixpath.join("docs", posixpath.dirname(name)))


def rewrite_included(app: Any, path: Path, parent: str, source: list[str]) -> None:
    """Rewrite the links of a file that a page includes."""
    inside = (ROOT / "docs" / path).resolve().relative_to(ROOT)
    source[0] = rewrite(source[0], inside.parent.as_posix())


def setup(app: Any) -> dict[str, bool]:
    """Listen for sources that are read."""
    app.connect("source-read", rewrite_page)
    app.connect("include-read", rewrite_included)
    return {"parallel_read_safe": True}
