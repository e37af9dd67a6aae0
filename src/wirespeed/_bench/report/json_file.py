"""Makes the content of the JSON file: all measured figures, and the facts needed to judge them.

Writes no file.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any, Final

from ..._base.version import __version__
from .. import machine
from ..contenders import Contender
from ..figures import Case
from ..run.runner import Plan

# Increased when a reader of the old format would misread the new one.
FORMAT: Final = 1


def surroundings(
    plan: Plan, *, preset: str, contenders: Sequence[Contender], loops: Mapping[str, str]
) -> dict[str, Any]:
    """Return the facts that are known before the first round.

    Args:
        plan: the works to measure, and how.
        preset: the name of the preset.
        contenders: all contenders that were asked for, including those that are not installed.
        loops: by event loop its version, or "not installed".
    """
    client_core, server_core = machine.cores()
    now = dt.datetime.now(dt.UTC)
    return {
        "format": FORMAT,
        "wirespeed": __version__,
        "date": now.isoformat(timespec="seconds"),
        "machine": machine.description(),
        "settings": {
            "preset": preset,
            "rounds": plan.rounds,
            "seconds": plan.seconds,
            "paced_seconds": plan.paced_seconds,
            "client_core": client_core,
            "server_core": server_core,
        },
        "loops": dict(loops),
        "contenders": {
            contender.name: {} if (lack := contender.missing()) is None else {"missing": lack}
            for contender in contenders
        },
    }


def case_json(case: Case) -> dict[str, Any]:
    """Return one case: the raw rounds, their summaries, and the errors."""
    summaries = case.summaries()
    return {
        "key": case.work.key,
        "title": case.title,
        "loop": case.loop,
        "unit": case.work.unit,
        "work": dataclasses.asdict(case.work),
        "contenders": {
            **{
                name: {**dataclasses.asdict(summaries[name]), "rounds": list(case.rounds[name])}
                for name in summaries
            },
            **{
                name: {"error": text, "rounds": list(case.rounds.get(name, []))}
                for name, text in case.errors.items()
            },
        },
    }
