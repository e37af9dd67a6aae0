"""The project's directory, and what its pyproject.toml says."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[2]

# Most distributions are imported by their own name. These are the exceptions.
IMPORT_NAMES: Final = {
    "nats-py": "nats",
    "opentelemetry-api": "opentelemetry",
    "prometheus-client": "prometheus_client",
    "python-socks": "python_socks",
    "zlib-ng": "zlib_ng",
}


def pyproject() -> dict[str, Any]:
    """Parse pyproject.toml."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def declared_packages(*extras: str) -> frozenset[str]:
    """Return the modules that the package and these extras of it may import."""
    project = pyproject()["project"]
    requirements = list(project["dependencies"])
    for extra in extras:
        requirements += project["optional-dependencies"][extra]
    names = [re.split(r"[^\w.-]", requirement, maxsplit=1)[0] for requirement in requirements]
    return frozenset(IMPORT_NAMES.get(name, name) for name in names)
