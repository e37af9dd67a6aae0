"""Everything public is documented, in one order everywhere."""

from __future__ import annotations

import inspect
import re

import pytest
from house.project import ROOT

import wirespeed
from wirespeed import WebSocketConnection, connect

# The reference does not count: it is made of the docstrings.
PAGES = "".join(
    page.read_text(encoding="utf-8")
    for page in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    if page.parent.name != "api"
)
ERRORS = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
PARAMETERS = inspect.signature(connect).parameters


def test_parameters_are_told_of_in_their_order() -> None:
    _, _, rest = (inspect.getdoc(connect) or "").partition("\nArgs:\n")
    arguments, _, _ = rest.partition("\nRaises:\n")
    assert re.findall(r"^ {4}(\w+): ", arguments, re.MULTILINE) == list(PARAMETERS)


@pytest.mark.parametrize("name", PARAMETERS)
def test_the_pages_have_every_parameter(name: str) -> None:
    assert re.search(rf"\b{name}\b", PAGES)


def test_defaults_stand_in_one_place() -> None:
    own = list(inspect.signature(WebSocketConnection).parameters.values())[1:]
    assert own
    for parameter in own:
        assert parameter.default is inspect.Parameter.empty, parameter.name
        assert PARAMETERS[parameter.name].default is not inspect.Parameter.empty


@pytest.mark.parametrize("name", wirespeed.__all__)
def test_every_public_name_is_told_of(name: str) -> None:
    public = getattr(wirespeed, name)
    if isinstance(public, str):
        assert name == "__version__" or f"wirespeed.{name}" in PAGES
    else:
        # The class's own docstring, not one inherited from a base class.
        assert vars(public).get("__doc__") if isinstance(public, type) else public.__doc__


@pytest.mark.parametrize("name", wirespeed.exceptions.__all__)
def test_the_page_of_errors_has_every_error(name: str) -> None:
    assert f"`{name}`" in ERRORS


def members() -> list[str]:
    """Return the public names of a connection; the names of other clients only raise."""
    names = [name for name in dir(WebSocketConnection) if name[0] != "_"]
    return [name for name in names if hasattr(WebSocketConnection, name)]


@pytest.mark.parametrize("name", members())
def test_the_pages_have_every_member(name: str) -> None:
    assert inspect.getdoc(getattr(WebSocketConnection, name))
    assert re.search(rf"\b{name}\b", PAGES)
