"""A module of the package imports from its own floor and from those below, never in a circle."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from house.floors import FLOOR_OF, FLOORS, faults_in, part_of
from house.imports import packages_in, read_package
from house.project import ROOT, declared_packages

PACKAGE = ROOT / "src" / "wirespeed"
CYTHON = sorted((ROOT / "cython").rglob("*.p[yx][xd]"))
PACKAGES = frozenset({"wirespeed", "wirespeed._channel", "wirespeed._codec", "wirespeed._opening"})
THIRD_PARTY = frozenset({"h11", "multidict"})
MORE = {"_bench": frozenset({"picows"}), "testing": frozenset({"pytest"})}
FOLDER = re.compile(r"^\| (?P<floor>\d+) \| (?P<parts>[^|]+) \| [^|]+ \|$", re.MULTILINE)

BROKEN = {
    "floor above": ({"wirespeed.exceptions": "from .client import c"}, "from a floor above"),
    "package itself": ({"wirespeed._base.url": "from .. import x"}, "from a floor above"),
    "absolute": ({"wirespeed._base.url": "import wirespeed.client"}, "from a floor above"),
    "inside a function": (
        {"wirespeed._codec.inflate": "def f():\n    from ..connection import c"},
        "line 2: imports wirespeed.connection from a floor above",
    ),
    "in the other branch": (
        {"wirespeed._base.x": "if TYPE_CHECKING:\n    pass\nelse:\n    from .. import client"},
        "line 4: imports wirespeed from a floor above",
    ),
    "for type checkers": (
        {"wirespeed._base.x": "if TYPE_CHECKING:\n    from ..client import connect"},
        "line 2: imports wirespeed.client from a floor above",
    ),
    "compiled channel": (
        {"wirespeed._channel_c": "", "wirespeed._codec.x": "from .._channel_c import Channel"},
        "imports wirespeed._channel_c from a floor above",
    ),
    "circle inside a folder": (
        {"wirespeed._codec.x": "from .y import a", "wirespeed._codec.y": "from . import x"},
        "a circle: ",
    ),
    "circle of types": (
        {
            "wirespeed._codec.x": "if TYPE_CHECKING:\n    from .y import a",
            "wirespeed._codec.y": "from . import x",
        },
        "a circle: ",
    ),
    "circle of two folders": (
        {
            "wirespeed._codec.x": "from .._handshake.url import a",
            "wirespeed._codec.y": "",
            "wirespeed._handshake.url": "",
            "wirespeed._handshake.head": "from .._codec.y import b",
        },
        "a circle: ",
    ),
    "module without a floor": ({"wirespeed.attic": ""}, "wirespeed.attic has no floor"),
    "import without a floor": (
        {"wirespeed.client": "from ._attic import x"},
        "imports wirespeed._attic, which has no floor",
    ),
    "asyncio": ({"wirespeed._handshake.x": "import asyncio"}, "imports asyncio below the floor"),
    "socket": ({"wirespeed._base.x": "from socket import AF_INET"}, "imports socket below the"),
    "cython": ({"wirespeed.client": "import cython"}, "imports cython"),
    "not declared": ({"wirespeed.client": "import numpy.fft"}, "imports numpy, which pyproject"),
    "the benchmark's own": (
        {"wirespeed.client": "import picows"},
        "imports picows, which pyproject",
    ),
    "pytest elsewhere": ({"wirespeed.client": "import pytest"}, "imports pytest, which pyproject"),
    "benchmark": (
        {"wirespeed.client": "from ._bench import works", "wirespeed._bench.works": ""},
        "wirespeed.client, line 1: imports wirespeed._bench.works from",
    ),
}
SOUND = {
    "floor below": {
        "wirespeed.client": "from . import exceptions\nfrom ._handshake.url import URL",
        "wirespeed.exceptions": "",
    },
    "same folder": {
        "wirespeed._handshake.opening": "from .url import URL",
        "wirespeed._handshake.url": "",
    },
    "asyncio": {"wirespeed.client": "import asyncio, ssl\nimport h11"},
    "types of others": {"wirespeed._base.x": "if TYPE_CHECKING:\n    from stubs import Buffer"},
    "pytest in its plugin": {"wirespeed.testing.pytest_plugin": "import pytest"},
    "another client in the benchmark": {"wirespeed._bench.worker": "import picows"},
    "three steps up": {
        "wirespeed._channel": "",
        "wirespeed._channel.receive.inbox": "from ...exceptions import ReadTimeout",
        "wirespeed.exceptions": "",
    },
}


def test_the_package_keeps_its_floors() -> None:
    sources, packages = read_package(PACKAGE), packages_in(PACKAGE)
    assert set(sources) >= {"wirespeed", "wirespeed.client", "wirespeed._channel.channel"}
    assert packages >= {"wirespeed", "wirespeed._channel", "wirespeed._channel_c"}
    third_party = declared_packages("fast", "proxy")
    more = {
        "_bench": declared_packages("bench"),
        "_cli": declared_packages("cli"),
        "metrics": declared_packages("metrics", "opentelemetry"),
        "relay": declared_packages("relay"),
        "testing": frozenset({"pytest"}),
    }
    assert faults_in(sources, packages=packages, third_party=third_party, more=more) == []


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_house_is_noticed(name: str) -> None:
    sources, expected = BROKEN[name]
    sources = {"wirespeed": "", **sources}
    faults = faults_in(sources, packages=PACKAGES, third_party=THIRD_PARTY, more=MORE)
    assert len(faults) == 1
    assert expected in faults[0]


@pytest.mark.parametrize("name", SOUND)
def test_a_sound_house_is_left_alone(name: str) -> None:
    sources = {"wirespeed": "", **SOUND[name]}
    assert faults_in(sources, packages=PACKAGES, third_party=THIRD_PARTY, more=MORE) == []


def test_a_stranger_sees_at_most_twelve_floors() -> None:
    assert len(FLOORS) <= 12


def test_the_map_in_contributing_is_the_house() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    rows = [(int(row["floor"]), row["parts"]) for row in FOLDER.finditer(text)]
    floors: dict[int, set[str]] = {}
    for floor, parts in rows:
        floors.setdefault(floor, set()).update(re.findall(r"`(\w+)/?`", parts))
    assert floors == {floor: set(parts) for floor, parts in enumerate(FLOORS)}
    there = {path.stem for path in PACKAGE.glob("*.py")}
    there |= {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert there - {"_channel_c"} == set(FLOOR_OF)


def test_a_private_folder_has_plain_names() -> None:
    folders = [path.parent for path in PACKAGE.glob("_*/**/__init__.py")]
    names = {path.name for folder in folders for path in folder.iterdir()}
    private = {name for name in names if name.startswith("_") and not name.startswith("__")}
    assert {name.partition(".")[0].partition("_core")[2] for name in private} <= {
        *("", "_builder", "_bytes", "_socket", "_wake"),
    }
    assert all(name.startswith("_core") for name in private)


@pytest.mark.parametrize("path", CYTHON, ids=lambda path: str(path.relative_to(ROOT / "cython")))
def test_cython_keeps_the_floors_too(path: Path) -> None:
    module = ".".join(path.relative_to(ROOT / "cython").with_suffix("").parts)
    floor = FLOOR_OF[part_of(module.removesuffix(".__init__"))]
    pattern = r"^\s*(?:from\s+(wirespeed\S*)\s+c?import\s+(\w+)|c?import\s+(wirespeed\S*))"
    for base, name, direct in re.findall(pattern, path.read_text(encoding="utf-8"), re.MULTILINE):
        part = part_of(direct or (f"{base}.{name}" if base == "wirespeed" else base))
        assert FLOOR_OF[part] <= floor, f"{path.name} imports {part}"


def test_every_single_source_is_compiled() -> None:
    source, twin = ROOT / "src" / "wirespeed" / "_channel", ROOT / "cython/wirespeed/_channel_c"
    names = {path.relative_to(source) for path in source.rglob("[a-z]*.py")}
    for suffix in (".py", ".pxd"):
        found = {path.relative_to(twin) for path in twin.rglob(f"[a-z]*{suffix}")}
        assert found == {name.with_suffix(suffix) for name in names}
    for name in names:
        assert (twin / name).read_bytes() == (source / name).read_bytes()
