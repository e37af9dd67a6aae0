"""Runs aiohttp's own tests of WebSockets with `wirespeed.compat.aiohttp` as the client.

    python ci/peer_tests/aiohttp.py [--directory DIRECTORY] [-k EXPRESSION]

The tests come from aiohttp's sdist, and run in an environment of their own. They run first with
aiohttp's own client: only tests that pass there, and do not reach inside that client, say anything
about another one. `DIFFERENCES` has the tests that fail on purpose.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tarfile
import tempfile
import venv
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
VERSION = "3.14.5"
FILES = (
    "test_client_ws.py",
    "test_client_ws_functional.py",
    "test_web_websocket_functional.py",
    "test_benchmarks_client_ws.py",
)
NEEDS = (
    f"aiohttp=={VERSION}",
    "blockbuster",
    "freezegun",
    "h11",
    "isal",
    "pytest",
    "pytest-codspeed",
    "pytest-mock",
    "pytest-timeout",
    "pytest-cov",
    "pytest-xdist",
    "trustme",
    "zlib_ng",
)
SETTINGS = """[pytest]
filterwarnings =
    error
    ignore:Unclosed client session:ResourceWarning
    ignore:aiohttp.pytest_plugin will be removed:DeprecationWarning
markers =
    skip_blockbuster
    internal
"""
# The test, without its file, and the row of docs/compat-aiohttp.md that it is about.
DIFFERENCES: dict[str, str] = {
    "test_override_default_headers": "headers= that ask for another protocol",
    "test_recv_protocol_error": "a server that breaks the protocol",
}


def main() -> int:
    """Run the tests; return 1 if one fails that is no known difference, or the other way round."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--directory", type=Path, help="keep the environment here, and use it again"
    )
    parser.add_argument("-k", default="", metavar="EXPRESSION", help="as for pytest")
    options = parser.parse_args()
    if options.directory is not None:
        return run(options.directory.resolve(), options.k)
    with tempfile.TemporaryDirectory() as directory:
        return run(Path(directory), options.k)


def run(directory: Path, chosen: str) -> int:
    """Run the tests in a directory, and print the result."""
    python = environment(directory)
    sources = sdist(directory)
    original = tests(python, sources, "original", ["-k", chosen] if chosen else [])
    passed = [test for test, outcome in original["results"].items() if outcome == "passed"]
    apply = sorted(set(passed) - set(original["reaching"]))
    face = tests(python, sources, "face", apply)["results"]
    good, bad = 0, 0
    for test in apply:
        name = test.rpartition("::")[2]
        reason = DIFFERENCES.get(name) or DIFFERENCES.get(name.partition("[")[0])
        outcome = face.get(test, "did not run")
        if outcome == "passed" and reason is None:
            good += 1
        elif outcome == "failed" and reason is not None:
            print(f"differs  {name}: {reason}")
        else:
            bad += 1
            print(f"{outcome:8} {test}" + (f" (was to differ: {reason})" if reason else ""))
    differing = len(apply) - good - bad
    print(
        f"aiohttp {VERSION}: of {len(passed)} tests that pass on the original, {len(apply)} apply:"
        f" {good} pass on the face, {differing} differ, {bad} are wrong"
    )
    return 1 if bad or not good else 0


def environment(directory: Path) -> Path:
    """Make the environment of the tests, with this checkout in it; return its Python."""
    python = directory / "venv" / "bin" / "python"
    if not python.exists():
        venv.create(directory / "venv", with_pip=True)
        pip = [python, "-m", "pip", "install", "-qq", "--disable-pip-version-check"]
        subprocess.run([*pip, *NEEDS], check=True)
        where = "import sysconfig; print(sysconfig.get_path('purelib'))"
        site = subprocess.run([python, "-c", where], check=True, capture_output=True, text=True)
        Path(site.stdout.strip(), "wirespeed.pth").write_text(f"{ROOT / 'src'}\n", encoding="utf-8")
    return python


def sdist(directory: Path) -> Path:
    """Fetch aiohttp's sdist and unpack its tests; return their directory."""
    top = directory / f"aiohttp-{VERSION}"
    if not top.exists():
        fetch = [sys.executable, "-m", "pip", "download", "-qq", "--disable-pip-version-check"]
        fetch += ["--no-deps", "--no-binary", "aiohttp", "-d", directory, f"aiohttp=={VERSION}"]
        subprocess.run(fetch, check=True)
        with tarfile.open(directory / f"aiohttp-{VERSION}.tar.gz") as archive:
            tests_only = [item for item in archive if item.name.startswith(f"{top.name}/tests/")]
            archive.extractall(directory, tests_only, filter="data")
    # Their settings measure coverage and run in several processes.
    (top / "pytest.ini").write_text(SETTINGS, encoding="utf-8")
    return top


def tests(python: Path, sources: Path, client: str, arguments: list[str]) -> dict[str, Any]:
    """Run tests with one of the two clients, and return what the plugin has noted."""
    report = sources.parent / f"{client}.json"
    report.unlink(missing_ok=True)
    log = sources.parent / f"{client}.log"
    command = [python, "-m", "pytest", "-q", "-p", "aiohttp_plugin", "-p", "no:cacheprovider"]
    command += ["-p", "no:xdist", "--timeout", "60", "--tb", "short"]
    selected = arguments if client == "face" else [*(f"tests/{name}" for name in FILES), *arguments]
    environ = {
        **os.environ,
        "PEER_CLIENT": client,
        "PEER_REPORT": str(report),
        "PYTHONPATH": str(Path(__file__).parent / "plugins"),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONSAFEPATH": "1",
    }
    with log.open("w", encoding="utf-8") as output:
        subprocess.run(
            [*command, *selected],
            cwd=sources,
            env=environ,
            stdout=output,
            stderr=output,
            check=False,
        )
    if not report.exists():
        raise SystemExit(f"the tests did not run:\n{log.read_text(encoding='utf-8')}")
    result: dict[str, Any] = json.loads(report.read_text(encoding="utf-8"))
    return result


if __name__ == "__main__":
    sys.exit(main())
