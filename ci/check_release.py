"""Checks that the files of a release belong together, and that nothing is missing.

Compares the version, the tag, the changelog and the metadata of each file. With `--all`, each wheel
that cibuildwheel makes must be there; this needs cibuildwheel. Without it, those of one machine do.
Usage: python ci/check_release.py DIRECTORY [--all]; with GITHUB_REF_TYPE=tag, GITHUB_REF_NAME is
the tag, which also makes a missing heading in the changelog a fault.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tarfile
import zipfile
from email import message_from_string
from email.message import Message
from pathlib import Path

root = Path(__file__).parent.parent
directory = Path(sys.argv[1])
must_have_all = "--all" in sys.argv[2:]
tag = os.environ.get("GITHUB_REF_NAME") if os.environ.get("GITHUB_REF_TYPE") == "tag" else None

FIELDS = ("Name", "Version", "Summary", "Requires-Python", "License-Expression", "Keywords")
LISTS = ("Classifier", "Requires-Dist", "Provides-Extra", "Project-URL")


def metadata_of(file: Path) -> Message:
    """Read the metadata of a wheel or an sdist."""
    if file.suffix == ".whl":
        with zipfile.ZipFile(file) as archive:
            (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
            return message_from_string(archive.read(name).decode())
    with tarfile.open(file) as archive:
        content = archive.extractfile(f"{file.name.removesuffix('.tar.gz')}/PKG-INFO")
        assert content is not None
        return message_from_string(content.read().decode())


def facts_of(file: Path) -> dict[str, object]:
    """Return what all files of a release say alike."""
    metadata = metadata_of(file)
    single = {name: metadata[name] for name in FIELDS}
    lists = {name: sorted(metadata.get_all(name, [])) for name in LISTS}
    return {**single, **lists, "Description": metadata.get_payload()}


def missing_wheels(names: list[str]) -> list[str]:
    """Return the identifiers of cibuildwheel, such as cp314t-musllinux_aarch64, without a wheel."""
    identifiers: list[str] = []
    for platform in ("linux", "macos", "windows"):
        command = ["cibuildwheel", "--platform", platform, "--print-build-identifiers"]
        identifiers += subprocess.check_output(
            [sys.executable, "-m", *command, str(root)], text=True
        ).split()
    patterns = {
        identifier: re.compile(rf"-{abi}-[\w.]*{system}\w*{machine}\.whl$".replace("win_", "win"))
        for identifier in identifiers
        for abi, system, machine in [re.split(r"-|_", identifier, maxsplit=2)]
    }
    return [
        identifier
        for identifier, pattern in patterns.items()
        if not any(pattern.search(name) for name in names)
    ]


files = sorted([*directory.glob("*.whl"), *directory.glob("*.tar.gz")])
names = [file.name for file in files]
version_source = (root / "src" / "wirespeed" / "_base" / "version.py").read_text("utf-8")
version = re.findall(r'__version__: Final = "(.+)"', version_source)[0]
headings = re.findall(r"^## (\S+)", (root / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
faults = []

if tag is not None and tag != f"v{version}":
    faults.append(f"the tag is {tag}, the version {version}")
if headings[:2] != ["Unreleased", version]:
    faults.append(f"CHANGELOG.md has no heading for {version} below `Unreleased`")
needed = {f"wirespeed-{version}.tar.gz", f"wirespeed-{version}-py3-none-any.whl"}
faults += [f"{name} is missing" for name in sorted(needed - set(names))]
faults += [f"{name} is of another version" for name in names if f"-{version}" not in name]
facts = {file.name: facts_of(file) for file in files}
for name in names[1:]:
    differing = [field for field in facts[name] if facts[name][field] != facts[names[0]][field]]
    if differing:
        faults.append(f"{name} and {names[0]} differ in {', '.join(differing)}")
if must_have_all:
    faults += [f"there is no wheel for {identifier}" for identifier in missing_wheels(names)]

if faults:
    sys.exit("\n".join(faults))
print(f"wirespeed {version}: {len(names)} files that belong together")
