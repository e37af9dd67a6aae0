"""One fixture: the codec under test, plain Python and compiled in turn.

Knows nothing of which codec the package itself has chosen; both are imported by name.
"""

from __future__ import annotations

import importlib
import os

import pytest
from twins.driving import Codec


@pytest.fixture(scope="session", params=["wirespeed._codec.pure", "wirespeed._codec._core"])
def codec(request: pytest.FixtureRequest) -> Codec:
    """Give the module of one codec; a missing extension is an error where it is required."""
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
