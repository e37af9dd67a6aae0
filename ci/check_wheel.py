"""Checks that a wheel contains the whole package and no files of the build.

Does not run the package. Usage: python ci/check_wheel.py WHEEL
"""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path, PurePosixPath

wheel = Path(sys.argv[1])
root = Path(__file__).parent.parent
package = root / "src"
compiled = not wheel.name.endswith("-py3-none-any.whl")

with zipfile.ZipFile(wheel) as archive:
    names = {name for name in archive.namelist() if ".dist-info/" not in name}
    metadata = [name for name in archive.namelist() if name.endswith("METADATA")]
extensions = {name for name in names if PurePosixPath(name).suffix in {".so", ".pyd"}}

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
]
if modules != (wanted_modules if compiled else set()):
    faults.append(f"the compiled modules are {sorted(modules)}")
if len(metadata) != 1:
    faults.append(f"the metadata are {metadata}")
if faults:
    sys.exit("\n".join(f"{wheel.name}: {fault}" for fault in faults))
print(f"{wheel.name}: {len(names)} files, {len(extensions)} of them compiled")
