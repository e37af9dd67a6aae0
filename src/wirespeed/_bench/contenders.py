"""The contenders: each runs one client in one way, in a separate process.

Does not import the other clients: a worker imports its own one, by the module's name.
"""

from __future__ import annotations

import importlib.util
import inspect
from dataclasses import dataclass, field
from typing import Final

from ..client import connect
from .works import KIB, Work

OURS: Final = "wirespeed"
_FLOOR: Final = "floor:"


@dataclass(frozen=True)
class Contender:
    """One line of each table.

    Attributes:
        name: its name in the report and in `--peers`.
        package: the package that must be installed.
        module: the module in `peers` that drives it.
        client: the class in that module.
        environment: environment variables of its process.
        kinds: the kinds of work it takes part in; empty for all.
        small_and_plain: whether it takes part only in messages of up to 1 KiB without TLS.
        compresses: whether it takes part in works with compressed messages.
        only_json: whether it takes part only in works in which JSON is decoded.
        option: an argument that `wirespeed.connect` must have; empty for none.
    """

    name: str
    package: str
    module: str
    client: str
    environment: dict[str, str] = field(default_factory=dict)
    kinds: frozenset[str] = frozenset()
    small_and_plain: bool = False
    compresses: bool = False
    only_json: bool = False
    option: str = ""

    def takes_part_in(self, work: Work) -> bool:
        """Return whether it takes part in `work`."""
        if self.kinds and work.kind not in self.kinds:
            return False
        if work.compressed and not self.compresses:
            return False
        if self.only_json and not work.codes_json:
            return False
        return not self.small_and_plain or (work.size <= KIB and not work.tls)

    def missing(self) -> str | None:
        """Return why it cannot run here; `None` if it can."""
        if importlib.util.find_spec(self.package) is None:
            return f"{self.package} is not installed"
        if self.option and self.option not in inspect.signature(connect).parameters:
            return f"this {OURS} has no {self.option}"
        return None


CONTENDERS: Final = (
    Contender(OURS, "wirespeed", "wirespeed_client", "Each", compresses=True),
    Contender(
        "wirespeed batches",
        "wirespeed",
        "wirespeed_client",
        "Batches",
        kinds=frozenset({"receive", "send", "paced"}),
        compresses=True,
    ),
    Contender(
        "wirespeed batch_window",
        "wirespeed",
        "wirespeed_client",
        "Windows",
        kinds=frozenset({"paced"}),
        option="batch_window",
    ),
    Contender(
        "wirespeed msgspec",
        "msgspec",
        "wirespeed_msgspec",
        "Typed",
        kinds=frozenset({"receive"}),
        only_json=True,
    ),
    Contender(
        "wirespeed pure Python",
        "wirespeed",
        "wirespeed_client",
        "Each",
        environment={"WIRESPEED_PURE_PYTHON": "1"},
        kinds=frozenset({"receive", "send", "echo"}),
        small_and_plain=True,
    ),
    Contender("wirespeed compat.aiohttp", "wirespeed", "compat_aiohttp", "Receive"),
    Contender("wirespeed compat.aiosonic", "wirespeed", "compat_aiosonic", "Receive"),
    Contender(
        "wirespeed compat.websockets",
        "wirespeed",
        "compat_websockets",
        "Iterate",
        compresses=True,
    ),
    Contender("picows callbacks", "picows", "picows_callbacks", "Callbacks"),
    Contender("picows.websockets", "picows", "picows_websockets", "PicowsRecv", compresses=True),
    Contender("websockets", "websockets", "websockets_client", "WebsocketsRecv", compresses=True),
    Contender("aiohttp", "aiohttp", "aiohttp_client", "Receive", compresses=True),
    Contender("aiosonic", "aiosonic", "aiosonic_client", "Receive"),
    Contender(f"{_FLOOR} callback", "wirespeed", "floor", "Callback", kinds=frozenset({"paced"})),
    Contender(f"{_FLOOR} task", "wirespeed", "floor", "Task", kinds=frozenset({"paced"})),
    Contender(f"{_FLOOR} window", "wirespeed", "floor", "Window", kinds=frozenset({"paced"})),
)


def is_ours(name: str) -> bool:
    """Return whether a contender runs wirespeed."""
    return name.partition(" ")[0] == OURS


def is_peer(name: str) -> bool:
    """Return whether a contender runs a client other than wirespeed."""
    return not is_ours(name) and not name.startswith(_FLOOR)


def chosen(names: list[str] | None) -> tuple[Contender, ...]:
    """Return wirespeed and the contenders with these names.

    Args:
        names: names of contenders or of their packages; `None` for all contenders.

    Raises:
        ValueError: a name is unknown.
    """
    if names is None:
        return CONTENDERS
    known = {contender.name for contender in CONTENDERS} | {
        contender.package for contender in CONTENDERS
    }
    for name in names:
        if name not in known:
            raise ValueError(f"unknown peer {name!r}, known are {', '.join(sorted(known))}")
    return tuple(
        contender
        for contender in CONTENDERS
        if contender.name == OURS or {contender.name, contender.package} & set(names)
    )
