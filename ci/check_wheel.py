"""Checks that a wheel has the whole package, no files of the build, and modules of its own ABI.

Does not run the package. On Linux, it needs `readelf` and `nm` for compiled wheels.
Usage: python ci/check_wheel.py WHEEL
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path, PurePosixPath

wheel = Path(sys.argv[1])
root = Path(__file__).parent.parent
package = root / "src"
compiled = not wheel.name.endswith("-py3-none-any.whl")
abi = wheel.name.split("-")[-2].removeprefix("cp")
MOST_BYTES = 1_700_000


def faults_of_elf(archive: zipfile.ZipFile, name: str) -> list[str]:
    """Return what is wrong with a module of Linux: symbols that only take room, or could clash."""
    with tempfile.TemporaryDirectory() as directory:
        module = archive.extract(name, directory)
        sections = subprocess.check_output(["readelf", "-SW", module], text=True)
        defined = subprocess.check_output(["nm", "-D", "--defined-only", module], text=True)
    exported = {line.split()[-1] for line in defined.splitlines()}
    function = f"PyInit_{PurePosixPath(name).name.partition('.')[0]}"
    return [
        *([f"{name} is not stripped"] if re.search(r" \.(symtab|debug_info) ", sections) else []),
        *([f"{name} exports {sorted(exported)}"] if exported != {function} else []),
    ]


with zipfile.ZipFile(wheel) as archive:
    names = {name for name in archive.namelist() if ".dist-info/" not in name}
    metadata = [name for name in archive.namelist() if name.endswith("METADATA")]
    extensions = {name for name in names if PurePosixPath(name).suffix in {".so", ".pyd"}}
    elf_faults = [
        fault
        for name in sorted(extensions)
        if "linux" in wheel.name
        for fault in faults_of_elf(archive, name)
    ]

wanted = {
    path.relative_to(package).as_posix()
    for path in (package / "wirespeed").rglob("*")
    if path.suffix in {".py", ".pyi"} or path.name == "py.typed"
}
modules = {name.partition(".")[0] for name in extensions}
cython = root / "cython"
wanted_modules = {
    path.relative_to(cython).with_suffix("").as_posix()
    for path in [*cython.rglob("*.pyx"), *cython.rglob("*.py")]
}

faults = [
    *(f"{name} is missing" for name in sorted(wanted - names)),
    *(f"{name} has no business here" for name in sorted(names - extensions - wanted)),
    *(
        f"{name} is for another Python than {abi}"
        for name in sorted(extensions)
        if not re.search(rf"\.(cpython-|cp){abi}-", name)
    ),
    *elf_faults,
]
if modules != (wanted_modules if compiled else set()):
    faults.append(f"the compiled modules are {sorted(modules)}")
if len(metadata) != 1:
    faults.append(f"the metadata are {metadata}")
size = wheel.stat().st_size
if size > MOST_BYTES:
    faults.append(f"it has {size} bytes, more than {MOST_BYTES}")
if faults:
    sys.exit("\n".join(f"{wheel.name}: {fault}" for fault in faults))
print(f"{wheel.name}: {size:,} bytes, {len(names)} files, {len(extensions)} of them compiled")
