"""The process that runs one client: it reads commands as JSON lines, and answers the same way.

It runs one command at a time. Between two commands the event loop does not run.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import importlib.metadata
import json
import os
import signal
import ssl
import sys
from collections.abc import Callable, Sequence
from typing import Any, Final
from urllib.parse import quote

from ..._cli.demo.certificate import client_context
from ..machine import allow_open_files, pin
from ..peers.client import Client
from ..works import Work, as_json
from . import measure

_CLOSE_SECONDS: Final = 2.0


class Worker:
    """Runs the commands for one contender; each public method is a command."""

    def __init__(self, make: type[Client], runner: asyncio.Runner) -> None:
        self._make = make
        self._runner = runner
        self._context = client_context()
        self._client: Client | None = None
        self._work = Work("receive")
        self._place: tuple[str, ssl.SSLContext | None] = ("", None)
        self._seconds = 0.0
        self._count = 0

    def hello(self) -> dict[str, Any]:
        """Return the client's versions and settings."""
        versions = {}
        for package in self._make.packages:
            try:
                versions[package] = importlib.metadata.version(package)
            except importlib.metadata.PackageNotFoundError:
                versions[package] = "not installed"
        return {
            "versions": versions,
            "settings": self._make.settings,
            "receives": self._make.receives,
        }

    def open(self, work: dict[str, Any], ports: dict[str, int], seconds: float) -> dict[str, Any]:
        """Prepare for the rounds of a work, whose slices are to take about `seconds`."""
        self._work = Work(**work)
        self._seconds = seconds
        scheme = "wss" if self._work.tls else "ws"
        path = quote(json.dumps(as_json(self._work)), safe="")
        url = f"{scheme}://127.0.0.1:{ports[scheme]}/{path}"
        self._place = (url, self._context if self._work.tls else None)
        if self._work.kind == "handshake":
            self._run(measure.handshakes(self._make, self._work, *self._place, seconds / 4))
        elif self._work.kind != "memory":
            self._client = self._make(self._work)
            self._run(self._client.open(*self._place))
            if self._work.kind == "paced":
                self._run(measure.paced(self._client, self._work, seconds / 4))
            else:
                fitting = measure.fitting_count(self._client, self._work, seconds)
                self._count = self._run(fitting)
        return {}

    def round(self) -> dict[str, Any]:
        """Measure one round."""
        figures: dict[str, Any]
        if self._work.kind == "handshake":
            figures = self._run(
                measure.handshakes(self._make, self._work, *self._place, self._seconds)
            )
        elif self._work.kind == "memory":
            figures = self._run(measure.idle_connections(self._make, self._work, *self._place))
        elif self._client is None:
            raise RuntimeError("no connection is open")
        elif self._work.kind == "paced":
            figures = self._run(measure.paced(self._client, self._work, self._seconds))
        else:
            figures = self._run(measure.slice_of(self._client, self._work, self._count))
        return figures

    def close(self) -> dict[str, Any]:
        """Close the connection of a work."""
        client, self._client = self._client, None
        if client is not None:
            self._run(asyncio.wait_for(client.close(), _CLOSE_SECONDS))
        return {}

    def _run(self, work: Any) -> Any:
        return self._runner.run(work)


def obey(worker: Worker, command: dict[str, Any]) -> dict[str, Any]:
    """Run one command; return its result or its error."""
    name = command.pop("do")
    doing: Callable[..., dict[str, Any]] = getattr(worker, name)
    try:
        return {"ok": doing(**command)}
    except Exception as exc:
        return {"error": f"{type(exc).__name__}: {exc}"}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the commands on standard input until it ends."""
    parser = argparse.ArgumentParser(prog="wirespeed._bench.run.worker", description=__doc__)
    parser.add_argument("--module", required=True)
    parser.add_argument("--client", required=True)
    parser.add_argument("--loop", choices=["asyncio", "uvloop"], default="asyncio")
    parser.add_argument("--core", type=int)
    arguments = parser.parse_args(argv)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    pin(arguments.core)
    allow_open_files()
    module = importlib.import_module(f"wirespeed._bench.peers.{arguments.module}")
    with asyncio.Runner(loop_factory=loop_factory(arguments.loop)) as runner:
        worker = Worker(getattr(module, arguments.client), runner)
        for line in sys.stdin:
            sys.stdout.write(json.dumps(obey(worker, json.loads(line))) + "\n")
            sys.stdout.flush()
        # Skips closing thousands of connections one by one.
        os._exit(0)


def loop_factory(name: str) -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Return the factory of the event loop `name`; `None` for asyncio's default."""
    if name == "asyncio":
        return None
    import uvloop  # noqa: PLC0415

    return uvloop.new_event_loop


if __name__ == "__main__":
    sys.exit(main())
