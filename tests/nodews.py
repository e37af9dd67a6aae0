"""Runs a server of npm's package `ws` in a node process."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

NODE: Final = shutil.which("node")
# The environment variable that names the directory in which `npm install ws` was run.
VARIABLE: Final = "WIRESPEED_NODE_PACKAGES"
PACKAGES: Final = Path(os.environ.get(VARIABLE) or os.devnull)
EXIT_SECONDS: Final = 30

# Echoes each message in `fragments` frames. Ends with its standard input.
_SCRIPT: Final = """\
const { createRequire } = require("node:module");
const [directory, settings] = [process.argv[1], JSON.parse(process.argv[2])];
const { WebSocketServer } = createRequire(directory + "/")("ws");
const server = new WebSocketServer({
    host: "127.0.0.1", port: 0, perMessageDeflate: settings.perMessageDeflate,
});
server.on("connection", (socket) => {
    socket.on("message", (data, binary) => {
        const size = Math.max(Math.ceil(data.length / settings.fragments), 1);
        let start = 0;
        do {
            const fin = start + size >= data.length;
            socket.send(data.subarray(start, start + size), { binary, fin });
            start += size;
        } while (start < data.length);
    });
});
server.on("listening", () => console.log(server.address().port));
process.stdin.resume().on("end", () => process.exit(0));
"""


def why_not() -> str | None:
    """Return why the server cannot run here, or `None` if it can."""
    if NODE is None:
        return "node is not installed"
    if not (PACKAGES / "node_modules" / "ws" / "package.json").is_file():
        return f"{VARIABLE} does not name a directory in which `npm install ws` was run"
    return None


@contextlib.contextmanager
def node_ws_server(deflate: dict[str, Any] | bool, *, fragments: int = 1) -> Iterator[str]:
    """Start a server and yield its URL; stop the server when the block ends.

    Args:
        deflate: the server's setting `perMessageDeflate`.
        fragments: how many frames the server uses to send each message back.
    """
    settings = json.dumps({"perMessageDeflate": deflate, "fragments": fragments})
    with subprocess.Popen(
        [str(NODE), "-e", _SCRIPT, str(PACKAGES.absolute()), settings],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield f"ws://127.0.0.1:{int(process.stdout.readline())}/"
        finally:
            process.stdin.close()
            try:
                process.wait(EXIT_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
