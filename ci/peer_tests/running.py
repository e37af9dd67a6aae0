"""What every peer needs: its tests from the index, their runs, and the comparison of two runs."""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import subprocess
import sys
import tarfile
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from pathlib import Path

HERE = Path(__file__).parent
PLUGINS = HERE / "plugins"
# Their tests wait for at most some seconds each; this only ends a run that hangs.
RUN_SECONDS = 900


def fetch_sdist(package: str, directory: Path) -> Path:
    """Fetch and unpack the sdist of the installed release of a package; return its folder."""
    version = importlib.metadata.version(package)
    downloads = directory / "downloads"
    _pip("download", "--no-deps", "--no-binary", package, "-d", downloads, f"{package}=={version}")
    [archive] = downloads.glob("*.tar.gz")
    with tarfile.open(archive) as tar:
        tar.extractall(directory, filter="data")
    return directory / archive.name.removesuffix(".tar.gz")


def install_tools(directory: Path, *requirements: str) -> Path:
    """Install what the tests need and we do not; return the folder for `PYTHONPATH`."""
    tools = directory / "tools"
    _pip("install", "--no-deps", "--target", tools, *requirements)
    return tools


def _pip(*arguments: str | Path) -> None:
    command = [sys.executable, "-m", "pip", "-q", "--disable-pip-version-check"]
    subprocess.run([*command, *map(str, arguments)], check=True)


def copy_tests(source: Path, directory: Path) -> Path:
    """Copy only the tests, so that the installed package is tested, and return their parent."""
    alone = directory / "alone"
    shutil.copytree(source / "tests", alone / "tests")
    return alone


def run_tests(
    folder: Path,
    tests: Sequence[str],
    *,
    plugin: str,
    path: Sequence[Path],
    environment: Mapping[str, str],
    arguments: Sequence[str] = (),
) -> dict[str, bool]:
    """Run tests with pytest in a process of their own; return which passed, by their names.

    Args:
        folder: the folder to run in.
        tests: the files, or the names of single tests.
        plugin: the module in `plugins` that puts the tested package in its place.
        path: further folders of modules.
        environment: variables for the plugin.
        arguments: further arguments of pytest.
    """
    report = folder / "report.xml"
    report.unlink(missing_ok=True)
    command = [sys.executable, "-m", "pytest", "-q", "-p", plugin, "-p", "no:cacheprovider"]
    command += ["-W", "ignore", "--tb=no", f"--junitxml={report}", *arguments, *tests]
    python_path = os.pathsep.join(map(str, [PLUGINS, *path]))
    subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **environment, "PYTHONPATH": python_path},
        stdout=subprocess.DEVNULL,
        timeout=RUN_SECONDS,
        check=False,
    )
    cases = ET.parse(report).iter("testcase")
    return {
        f"{case.get('classname', '').replace('.', '/')}.py::{case.get('name')}": len(case) == 0
        for case in cases
    }


def report_on(face: str, applicable: Mapping[str, bool], passed: Mapping[str, bool]) -> int:
    """Print which of the tests that pass with the original pass with the face.

    Returns:
        The exit status: 1 if a test fails, or if there are none.
    """
    wanted = sorted(name for name, has_passed in applicable.items() if has_passed)
    failed = [name for name in wanted if not passed.get(name)]
    for name in failed:
        print(f"FAILED {name}")
    print(f"{face}: {len(wanted) - len(failed)} of the {len(wanted)} tests that apply pass")
    return 1 if failed or not wanted else 0
