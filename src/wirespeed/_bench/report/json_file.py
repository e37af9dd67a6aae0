"""The JSON file: all that was measured, and all that one must know to judge it.

Must not know how it is shown.
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

# Raised when a reader of older files would misread newer ones.
FORMAT: Final = 1


def surroundings(
    plan: Plan, *, preset: str, contenders: Sequence[Contender], loops: Mapping[str, str]
) -> dict[str, Any]:
    """Return what is known before the first round.

    Args:
        plan: what will be measured.
        preset: which one was asked for.
        contenders: all who were asked for, also those that are not installed.
        loops: the version of each event loop, or that it is not installed.
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
    """Return one case: the raw rounds, what became of them, and what failed."""
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
