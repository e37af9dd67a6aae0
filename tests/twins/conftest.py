"""One fixture: the codec under test, first plain Python, then compiled.

It imports both by name, and does not depend on which one the package has chosen.
"""

from __future__ import annotations

import importlib
import os

import pytest
from twins.driving import Codec


@pytest.fixture(scope="session", params=["wirespeed._codec.pure", "wirespeed._codec._core"])
def codec(request: pytest.FixtureRequest) -> Codec:
    """Return one codec's module. A missing extension is an error if it is required."""
    name: str = request.param
    try:
        module: Codec = importlib.import_module(name)
    except ImportError as fault:
        if (
            name == "wirespeed._codec._core"
            and os.environ.get("WIRESPEED_REQUIRE_EXTENSION") != "1"
        ):
            pytest.skip(f"the extension is not built: {fault}")
        raise
    return module
