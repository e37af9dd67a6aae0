"""Writes an sdist again, so that the same files always give the same bytes.

The files have no owner, one of two modes, and the time of SOURCE_DATE_EPOCH.
Usage: python ci/repack_sdist.py SDIST
"""

from __future__ import annotations

import gzip
import io
import os
import sys
import tarfile
from pathlib import Path

sdist = Path(sys.argv[1])
time = int(os.environ["SOURCE_DATE_EPOCH"])

members = []
with tarfile.open(sdist) as archive:
    for member in archive:
        file = archive.extractfile(member) if member.isfile() else None
        members.append((member, file.read() if file else None))

tar = io.BytesIO()
with tarfile.open(fileobj=tar, mode="w", format=tarfile.PAX_FORMAT) as archive:
    for member, content in sorted(members, key=lambda pair: pair[0].name):
        member.mtime, member.uid, member.gid, member.uname, member.gname = time, 0, 0, "", ""
        member.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
        member.pax_headers = {}
        archive.addfile(member, None if content is None else io.BytesIO(content))

with sdist.open("wb") as target, gzip.GzipFile("", "wb", 9, target, mtime=time) as packed:
    packed.write(tar.getvalue())
print(f"{sdist.name}: {len(members)} files and folders")
