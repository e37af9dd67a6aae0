"""Where the project lies, and what its pyproject.toml says.

Knows nothing of the rules that are checked.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[2]

# A distribution is imported by its name, but for a few.
IMPORT_NAMES: Final = {"python-socks": "python_socks", "zlib-ng": "zlib_ng"}


def pyproject() -> dict[str, Any]:
    """Read pyproject.toml."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def declared_packages(*extras: str) -> frozenset[str]:
    """Name what the package and these extras of it may import."""
    project = pyproject()["project"]
    requirements = list(project["dependencies"])
    for extra in extras:
        requirements += project["optional-dependencies"][extra]
    names = [re.split(r"[^\w.-]", requirement, maxsplit=1)[0] for requirement in requirements]
    return frozenset(IMPORT_NAMES.get(name, name) for name in names)
