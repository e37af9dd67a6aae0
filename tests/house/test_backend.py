"""The environment chooses between the compiled core and pure Python, in one place.

Each case runs in a separate interpreter.
"""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

import wirespeed

PRINT = "import wirespeed; print(wirespeed.implementation)"
# Stands in for a machine on which nothing was compiled.
WITHOUT_CORE = """
import sys, importlib.abc
class Missing(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == "wirespeed._codec._core":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Missing())
"""
# Stands in for a core that exists but does not load.
BROKEN_CORE = WITHOUT_CORE.replace(
    'ModuleNotFoundError(f"No module named {name!r}", name=name)', 'ImportError("undefined symbol")'
)
PACKAGE_PARENT = os.path.dirname(os.path.dirname(wirespeed.__file__))


def run(code: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run code with these variables, and no others whose name begins with "WIRESPEED_"."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("WIRESPEED_")}
    env |= {"PYTHONPATH": PACKAGE_PARENT, **variables}
    return subprocess.run(
        [sys.executable, "-c", code], env=env, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("value", ["1", "yes"])
def test_pure_python_can_be_forced(value: str) -> None:
    assert run(PRINT, WIRESPEED_PURE_PYTHON=value).stdout == "pure\n"
    forced = run(PRINT, WIRESPEED_PURE_PYTHON=value, WIRESPEED_REQUIRE_EXTENSION="1")
    assert forced.stdout == "pure\n"


@pytest.mark.parametrize("value", ["", "0"])
def test_empty_and_zero_are_off(value: str) -> None:
    plain = run(PRINT)
    assert plain.stdout in ("compiled\n", "pure\n")
    assert run(PRINT, WIRESPEED_PURE_PYTHON=value).stdout == plain.stdout
    missing = run(WITHOUT_CORE + PRINT, WIRESPEED_REQUIRE_EXTENSION=value)
    assert missing.stdout == "pure\n"


def test_a_missing_core_that_is_required_is_an_error() -> None:
    done = run(WITHOUT_CORE + PRINT, WIRESPEED_REQUIRE_EXTENSION="1")
    assert done.returncode == 1
    assert (
        "ImportError: the compiled core wirespeed._codec._core is missing,"
        " and WIRESPEED_REQUIRE_EXTENSION is set" in done.stderr
    )


def test_a_core_that_does_not_load_is_not_hidden() -> None:
    done = run(BROKEN_CORE + PRINT)
    assert done.returncode == 1
    assert "ImportError: undefined symbol" in done.stderr
    assert run(BROKEN_CORE + PRINT, WIRESPEED_PURE_PYTHON="1").stdout == "pure\n"


def test_this_run_is_what_it_was_meant_to_be() -> None:
    if os.environ.get("WIRESPEED_PURE_PYTHON", "") not in ("", "0"):
        assert wirespeed.implementation == "pure"
    elif os.environ.get("WIRESPEED_REQUIRE_EXTENSION", "") not in ("", "0"):
        assert wirespeed.implementation == "compiled"
    assert wirespeed.implementation in ("compiled", "pure")
