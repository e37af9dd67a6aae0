"""pyproject.toml, the changelog and the package agree with each other."""

from __future__ import annotations

import re

from house.project import ROOT, pyproject

import wirespeed


def test_the_version_is_stated_once() -> None:
    project = pyproject()
    assert project["project"]["dynamic"] == ["version"]
    assert project["tool"]["setuptools"]["dynamic"]["version"] == {
        "attr": "wirespeed._base.version.__version__"
    }
    source = (ROOT / "src" / "wirespeed" / "_base" / "version.py").read_text(encoding="utf-8")
    assert re.findall(r'"(\d+\.\d+\.\d+\S*)"', source) == [wirespeed.__version__]


def test_the_changelog_has_the_version() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    headings = re.findall(r"^## (\S+)", changelog, re.MULTILINE)
    assert headings[:2] == ["Unreleased", wirespeed.__version__]


def test_the_oldest_python_is_the_same_everywhere() -> None:
    project = pyproject()
    assert project["project"]["requires-python"] == ">=3.11"
    assert project["tool"]["ruff"]["target-version"] == "py311"
    assert "cp311-*" in project["tool"]["cibuildwheel"]["build"]
    assert ">= 3.11" in (ROOT / "Makefile").read_text(encoding="utf-8")


def test_every_extra_has_lower_bounds() -> None:
    extras = pyproject()["project"]["optional-dependencies"]
    own = {"cli", "fast", "metrics", "opentelemetry", "proxy", "relay"}
    assert set(extras) == own | {"bench", "docs", "test"}
    for extra, requirements in extras.items():
        for requirement in requirements:
            assert re.search(r">=\d", requirement), f"{extra}: {requirement} has no lower bound"


def test_the_command_exists() -> None:
    scripts = pyproject()["project"]["scripts"]
    assert scripts == {"wirespeed": "wirespeed.__main__:main"}


def test_the_package_is_typed() -> None:
    assert (ROOT / "src" / "wirespeed" / "py.typed").read_bytes() == b""
