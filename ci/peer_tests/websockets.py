"""Runs picows' own tests of its look-alike of `websockets` with `wirespeed.compat.websockets`.

    python ci/peer_tests/websockets.py

The tests come from the sdist of the installed picows, in a temporary directory. They run first with
`websockets` itself: those that fail there are about what is picows' own.
"""

from __future__ import annotations

import importlib.metadata
import os
import subprocess
import sys
import tarfile
import tempfile
import xml.etree.ElementTree as ET
from pathlib import Path

FACE = "wirespeed.compat.websockets"
# The rest is about servers.
PARTS = ("client", "compat_types", "exceptions", "negotiation", "ping_pong", "recv", "send")
FILES = [f"tests/test_websockets_{part}.py" for part in PARTS]
NEEDS = ("async-timeout", "pytest-asyncio")
# This only ends a run that hangs: each test waits for some seconds at most.
RUN_SECONDS = 600


def main() -> int:
    """Fetch and run the tests; return 1 if one fails with the face, or if there are none."""
    with tempfile.TemporaryDirectory() as temporary:
        directory = Path(temporary)
        fetch(directory)
        pip("install", "--no-deps", "--target", str(directory / "needs"), *NEEDS)
        original = run(directory, "websockets", FILES)
        apply = [name for name, has_passed in original.items() if has_passed]
        face = run(directory, FACE, apply)
    failed = [name for name in apply if not face.get(name)]
    for name in failed:
        print(f"failed   {name}")
    print(
        f"picows.websockets: of {len(original)} tests, {len(apply)} pass on the original:"
        f" {len(apply) - len(failed)} pass on the face, {len(failed)} are wrong"
    )
    return 1 if failed or not apply else 0


def fetch(directory: Path) -> None:
    """Fetch the sdist of the installed picows, and unpack its tests alone."""
    version = importlib.metadata.version("picows")
    pip(
        "download", "--no-deps", "--no-binary", "picows", "-d", str(directory), f"picows=={version}"
    )
    prefix = f"picows-{version}/"
    with tarfile.open(directory / f"picows-{version}.tar.gz") as archive:
        for item in archive:
            if item.name.startswith(f"{prefix}tests/"):
                item.name = item.name.removeprefix(prefix)
                archive.extract(item, directory, filter="data")


def pip(*arguments: str) -> None:
    """Run pip."""
    command = [sys.executable, "-m", "pip", "-qq", "--disable-pip-version-check"]
    subprocess.run([*command, *arguments], check=True)


def run(directory: Path, target: str, tests: list[str]) -> dict[str, bool]:
    """Run tests with `target` in the place of `picows.websockets`; return which have passed."""
    report, log = directory / f"{target}.xml", directory / f"{target}.log"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "websockets_plugin", "--tb=short"]
    command += ["-p", "pytest_asyncio", "-o", "asyncio_mode=auto", "-p", "no:cacheprovider"]
    command += ["-W", "ignore", f"--junitxml={report}"]
    path = [str(Path(__file__).resolve().parent / "plugins"), str(directory / "needs")]
    environ = {
        **os.environ,
        "PEER_TARGET": target,
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONPATH": os.pathsep.join(path),
    }
    with log.open("w", encoding="utf-8") as output:
        subprocess.run(
            [*command, *tests],
            cwd=directory,
            env=environ,
            stdout=output,
            stderr=output,
            timeout=RUN_SECONDS,
            check=False,
        )
    if not report.exists():
        raise SystemExit(f"the tests did not run:\n{log.read_text(encoding='utf-8')}")
    return {
        f"{case.get('classname', '').replace('.', '/')}.py::{case.get('name')}": len(case) == 0
        for case in ET.parse(report).iter("testcase")
    }


if __name__ == "__main__":
    sys.exit(main())
