"""A module of the package imports from its own floor and from those below, never in a circle.

Knows nothing of what the modules do.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from house.floors import FLOOR_OF, faults_in, room_of
from house.imports import packages_in, read_package
from house.project import ROOT, declared_packages

PACKAGE = ROOT / "src" / "wirespeed"
CYTHON = sorted((ROOT / "cython").rglob("*.p[yx][xd]"))
PACKAGES = frozenset({"wirespeed", "wirespeed._channel"})
THIRD_PARTY = frozenset({"h11", "multidict"})
BENCH = frozenset({"picows"})

BROKEN = {
    "floor above": ({"wirespeed._url": "from .client import connect"}, "from a floor above"),
    "package itself": ({"wirespeed._url": "from . import x"}, "from a floor above"),
    "absolute": ({"wirespeed._url": "import wirespeed.client"}, "from a floor above"),
    "inside a function": (
        {"wirespeed._codec": "def f():\n    from ._backend import implementation"},
        "line 2: imports wirespeed._backend from a floor above",
    ),
    "in the other branch": (
        {"wirespeed._url": "if TYPE_CHECKING:\n    pass\nelse:\n    from . import client"},
        "line 4: imports wirespeed from a floor above",
    ),
    "order within the channel": (
        {
            "wirespeed._channel": "",
            "wirespeed._channel.channel": "",
            "wirespeed._channel.outgoing": "from .channel import Channel",
        },
        "wirespeed._channel.outgoing, line 1: imports wirespeed._channel.channel from",
    ),
    "compiled channel": (
        {"wirespeed._channel_c": "", "wirespeed._url": "from ._channel_c import Channel"},
        "imports wirespeed._channel_c from a floor above",
    ),
    "circle": (
        {"wirespeed._url": "from . import _request", "wirespeed._request": "from ._url import u"},
        "a circle: ",
    ),
    "module without a floor": ({"wirespeed._attic": ""}, "wirespeed._attic has no floor"),
    "import without a floor": (
        {"wirespeed.client": "from ._attic import x"},
        "imports wirespeed._attic, which has no floor",
    ),
    "asyncio": ({"wirespeed._handshake": "import asyncio"}, "imports asyncio below the floor"),
    "socket": ({"wirespeed._url": "from socket import AF_INET"}, "imports socket below the floor"),
    "cython": ({"wirespeed.client": "import cython"}, "imports cython"),
    "not declared": ({"wirespeed.client": "import numpy.fft"}, "imports numpy, which pyproject"),
    "the benchmark's own": (
        {"wirespeed.client": "import picows"},
        "imports picows, which pyproject",
    ),
    "benchmark": (
        {"wirespeed._session": "from ._bench import works", "wirespeed._bench.works": ""},
        "wirespeed._session, line 1: imports wirespeed._bench.works from",
    ),
}
SOUND = {
    "floor below": {
        "wirespeed.client": "from . import exceptions\nfrom ._url import URL",
        "wirespeed.exceptions": "",
    },
    "same floor": {"wirespeed._handshake": "from ._url import URL", "wirespeed._url": ""},
    "for type checkers": {"wirespeed._url": "if TYPE_CHECKING:\n    from .client import connect"},
    "asyncio": {"wirespeed.client": "import asyncio, ssl\nimport h11"},
    "another client in the benchmark": {"wirespeed._bench.worker": "import picows"},
    "two steps up": {
        "wirespeed._channel": "",
        "wirespeed._channel.inbox": "from ..exceptions import ReadTimeout",
        "wirespeed.exceptions": "",
    },
}


def test_the_package_keeps_its_floors() -> None:
    sources, packages = read_package(PACKAGE), packages_in(PACKAGE)
    assert set(sources) >= {"wirespeed", "wirespeed.client", "wirespeed._channel.channel"}
    assert packages >= {"wirespeed", "wirespeed._channel", "wirespeed._channel_c"}
    third_party = declared_packages("fast", "proxy")
    bench = declared_packages("bench")
    assert faults_in(sources, packages=packages, third_party=third_party, bench=bench) == []


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_house_is_noticed(name: str) -> None:
    sources, expected = BROKEN[name]
    sources = {"wirespeed": "", **sources}
    faults = faults_in(sources, packages=PACKAGES, third_party=THIRD_PARTY, bench=BENCH)
    assert len(faults) == 1
    assert expected in faults[0]


@pytest.mark.parametrize("name", SOUND)
def test_a_sound_house_is_left_alone(name: str) -> None:
    sources = {"wirespeed": "", **SOUND[name]}
    assert faults_in(sources, packages=PACKAGES, third_party=THIRD_PARTY, bench=BENCH) == []


@pytest.mark.parametrize("path", CYTHON, ids=lambda path: str(path.relative_to(ROOT / "cython")))
def test_cython_keeps_the_floors_too(path: Path) -> None:
    module = ".".join(path.relative_to(ROOT / "cython").with_suffix("").parts)
    floor = FLOOR_OF[room_of(module.removesuffix(".__init__"))]
    pattern = r"^\s*(?:from\s+(wirespeed\S*)\s+c?import\s+(\w+)|c?import\s+(wirespeed\S*))"
    for base, name, direct in re.findall(pattern, path.read_text(encoding="utf-8"), re.MULTILINE):
        room = room_of(direct or (f"{base}.{name}" if base == "wirespeed" else base))
        assert FLOOR_OF[room] <= floor, f"{path.name} imports {room}"


def test_every_single_source_is_compiled() -> None:
    directory = ROOT / "cython" / "wirespeed" / "_channel_c"
    sources = {path.stem for path in (ROOT / "src/wirespeed/_channel").glob("[a-z]*.py")}
    for suffix in (".py", ".pxd"):
        assert {path.stem for path in directory.glob(f"[a-z]*{suffix}")} == sources
    for source in sources:
        original = ROOT / "src" / "wirespeed" / "_channel" / f"{source}.py"
        assert (directory / f"{source}.py").read_bytes() == original.read_bytes()
