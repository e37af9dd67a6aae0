"""Plays one program against the server at a URL, and writes its transcript to a file.

Usage: python -P -m programs.play NAME URL FILE, on the implementation that importing the program's
library gives. A file beside FILE tells which version is installed, and who opened connections.
"""

from __future__ import annotations

import asyncio
import importlib
import inspect
import json
import logging
import sys
from importlib import metadata
from pathlib import Path

from programs.catalogue import PROGRAMS
from programs.transcript import Transcript


class Openings(logging.Handler):
    """Counts the connections that wirespeed opens, which proves that it is in use."""

    count = 0

    def emit(self, record: logging.LogRecord) -> None:
        self.count += record.getMessage().startswith("opened")


def main() -> None:
    name, url, file = sys.argv[1:]
    openings = Openings()
    logger = logging.getLogger("wirespeed")
    logger.addHandler(openings)
    logger.setLevel(logging.INFO)
    logger.propagate = False

    scenario = importlib.import_module(f"programs.clients.{name}").scenario
    transcript = Transcript(Path(file))
    if inspect.iscoroutinefunction(scenario):
        asyncio.run(scenario(transcript, url))
    else:
        scenario(transcript, url)
    transcript.say("[end]")

    version = metadata.version(PROGRAMS[name].library)
    facts = {"version": version, "opened by wirespeed": openings.count}
    Path(file).with_suffix(".json").write_text(json.dumps(facts), encoding="utf-8")


if __name__ == "__main__":
    main()
