"""Runs real programs on a library and on wirespeed's face of it, and compares what they saw.

Usage: python -P -m programs.run [NAME...]; the exit status is the verdict.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import difflib
import importlib
import json
import os
import shutil
import signal
import ssl
import sys
import tempfile
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import trustme
from programs.apart import serving_apart
from programs.catalogue import PROGRAMS, Program
from programs.environments import ROOT, environment, wheel
from programs.faults import Server, serving
from programs.pages import CHROMIUM

# What each program runs on: its library, and wirespeed in the library's place. Programs for aiohttp
# also run on the face itself, under the name of aiohttp; above, the sessions are aiohttp's own.
IMPLEMENTATIONS: Final = ("original", "wirespeed")
SWAPPED: Final = "swapped"
SWAP: Final = """\
import sys
from wirespeed.compat import aiohttp
sys.modules["aiohttp"] = aiohttp
from programs.play import main
main()
"""

# A program that takes longer than this hangs; the longest takes a third of it.
LIMIT_SECONDS: Final = 90.0


@dataclass
class Run:
    """One run of a program.

    Attributes:
        transcript: what the program saw and raised, then what the server saw.
        output: what the program printed.
        problem: why the run does not count; empty if it does.
    """

    transcript: list[str]
    output: str
    problem: str


class Certificates:
    """A certificate for the servers, and the file that makes programs trust it.

    Args:
        directory: where to write the file.
    """

    def __init__(self, directory: Path) -> None:
        authority = trustme.CA()
        self.file = directory / "authority.pem"
        authority.cert_pem.write_to_path(str(self.file))
        self.server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1", "localhost").configure_cert(self.server)


async def play(
    name: str, implementation: str, python: Path, certificates: Certificates, directory: Path
) -> Run:
    """Run a program once, beside a server of its own."""
    program = PROGRAMS[name]
    file = directory / f"{name}.{implementation}.txt"
    output, problem = "", ""
    server = Server()
    try:
        async with server_of(name, python, certificates) as server:
            url = f"{'wss' if program.tls else 'ws'}://127.0.0.1:{server.port}"
            starts = {
                "original": ("-m", "programs.play"),
                "wirespeed": ("-m", "wirespeed.compat", program.library, "-m", "programs.play"),
                SWAPPED: ("-c", SWAP),
            }
            start = (python, "-P", *starts[implementation], name, url, file)
            output, problem = await finished(start, certificates.file)
    except TimeoutError:
        problem = problem or "the server's connections did not end"
    problem = problem or doubt_about(file.with_suffix(".json"), program, implementation)
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    lines += [f"server: {request}" for request in server.requests]
    return Run(lines, output, problem)


def doubt_about(facts: Path, program: Program, implementation: str) -> str:
    """Return why a run that ended well does not count after all; empty if it does."""
    if not facts.exists():
        return "it ended before the scenario did"
    found = json.loads(facts.read_text(encoding="utf-8"))
    opened = found["opened by wirespeed"]
    if found["version"] != program.version:
        return f"{program.library} {found['version']} is installed"
    if (opened > 0) is not (implementation != "original"):
        return f"wirespeed opened {opened} connections"
    return ""


def implementations(program: Program) -> tuple[str, ...]:
    """Return what the program runs on."""
    return (*IMPLEMENTATIONS, SWAPPED) if program.library == "aiohttp" else IMPLEMENTATIONS


def server_of(
    name: str, python: Path, certificates: Certificates
) -> AbstractAsyncContextManager[Server]:
    """Return the server of a program. A browser's is the browser, which the program starts."""
    if PROGRAMS[name].browser:
        return contextlib.nullcontext(Server())
    if PROGRAMS[name].apart:
        return serving_apart(python, f"programs.servers.{name}")
    module = importlib.import_module(f"programs.servers.{name}")
    return serving(
        module.session,
        module.PLAN,
        subprotocols=getattr(module, "SUBPROTOCOLS", ()),
        context=certificates.server if PROGRAMS[name].tls else None,
    )


async def finished(start: Sequence[object], authority: Path) -> tuple[str, str]:
    """Run a child to its end, and return its output and what is wrong with its end."""
    variables = {
        "PYTHONPATH": str(ROOT / "tests"),
        "PYTHONHASHSEED": "0",  # some packages keep subscriptions in sets
        "SSL_CERT_FILE": str(authority),
    }
    process = await asyncio.create_subprocess_exec(
        *map(str, start),
        env={**os.environ, **variables},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
    )
    reading = asyncio.create_task(process.communicate())
    done, _ = await asyncio.wait([reading], timeout=LIMIT_SECONDS)
    if not done:
        # A browser that it started would keep its output open.
        os.killpg(process.pid, signal.SIGKILL)
    output, _ = await reading
    problem = f"exit status {process.returncode}" if process.returncode else ""
    return output.decode(errors="replace"), problem if done else f"over {LIMIT_SECONDS:.0f} s"


async def compared(name: str, python: Path, certificates: Certificates, only: str) -> str:
    """Run a program on each implementation, print what is wrong, and return the result."""
    runs: dict[str, Run] = {}
    with tempfile.TemporaryDirectory() as directory:
        for implementation in [only] if only else implementations(PROGRAMS[name]):
            run = await play(name, implementation, python, certificates, Path(directory))
            runs[implementation] = run
            if run.problem:
                print(f"--- {name} on {implementation}: {run.problem}")
                print(*run.transcript, run.output, sep="\n")
                return f"failed on {implementation}"
    if only:
        print(*runs[only].transcript, sep="\n")
        return f"{len(runs[only].transcript)} lines on {only}, not compared"
    original = runs.pop("original").transcript
    for implementation, run in runs.items():
        difference = list(
            difflib.unified_diff(
                original, run.transcript, "original", implementation, n=2, lineterm=""
            )
        )
        if difference:
            print(*difference, sep="\n")
            return "different"
    return f"the same {len(original)} lines"


def row(program: Program, result: str) -> str:
    """Return the program's row of the table."""
    package = program.package.replace("==", " ")
    return f"| `{package}` | `{program.library}` {program.version} | {program.what} | {result} |"


async def main() -> int:
    """Run the programs that the command line names, all by default."""
    parser = argparse.ArgumentParser(
        prog="make programs", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(PROGRAMS))
    parser.add_argument("--fast", action="store_true", help="only the few that take seconds")
    parser.add_argument(
        "--only", choices=(*IMPLEMENTATIONS, SWAPPED), default="", help="show one transcript"
    )
    parser.add_argument("--wheel", type=Path, help="by default, one is built of the tree")
    arguments = parser.parse_args()
    names = arguments.names or [n for n, p in PROGRAMS.items() if p.fast or not arguments.fast]
    built = arguments.wheel or await wheel()
    results: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as directory:
        certificates = Certificates(Path(directory))
        for name in names:
            if PROGRAMS[name].browser and CHROMIUM is None:
                results[name] = "not run: no Chromium"
            elif PROGRAMS[name].needs and shutil.which(PROGRAMS[name].needs) is None:
                results[name] = f"not run: no {PROGRAMS[name].needs}"
            else:
                python = await environment(name, PROGRAMS[name].requirements, built)
                results[name] = await compared(name, python, certificates, arguments.only)
            print(f"{name}: {results[name]}", flush=True)
    print("\n| package | on | what was run | result on both |\n|---|---|---|---|")
    print(*(row(PROGRAMS[name], result) for name, result in results.items()), sep="\n")
    failed = sum(result.startswith(("failed", "different")) for result in results.values())
    skipped = sum(result.startswith("not run") for result in results.values())
    passed = len(results) - failed - skipped
    print(f"\n{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
