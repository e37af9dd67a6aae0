"""Prints the requirements of extras and dependency groups, one per line, for `pip install -r`.

`pip install --group` is not used: it needs a newer pip than the one that comes with Python 3.11.
"""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

pyproject = tomllib.loads(Path(__file__).parent.with_name("pyproject.toml").read_text("utf-8"))
known: dict[str, list[str]] = {
    **pyproject["project"]["optional-dependencies"],
    **pyproject["dependency-groups"],
}
for name in sys.argv[1:]:
    print(*known[name], sep="\n")
