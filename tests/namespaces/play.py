"""Plays one scene in this process's own network namespace, and prints its result as JSON.

Usage: unshare --net python -P -m namespaces.play SCENE LOOP [--tls]
"""

from __future__ import annotations

import json
import ssl
import subprocess
import sys
from typing import Final

from looprunner import LOOP_FACTORIES, run_async_test
from namespaces import addresses, cuts, reconnecting, slow
from namespaces.ending import end_with_input
from namespaces.link import Link
from namespaces.scene import SCENES, Scene

# The modules whose import adds the scenes.
MODULES: Final = (addresses, cuts, reconnecting, slow)

# A scene has deadlines of its own. This is for those that wait for the wrong thing.
SCENE_SECONDS: Final = 90.0


def main() -> None:
    """Play the scene of the command line."""
    name, loop_name, *options = sys.argv[1:]
    end_with_input(lambda line: None)
    command = ["unshare", "--net", sys.executable, "-P", "-m", "namespaces.server", *options]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        if process.stdout is None:
            raise RuntimeError("the server's output is not a pipe")
        certificate = json.loads(process.stdout.readline())
        context = None
        if "--tls" in options:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.load_verify_locations(cadata=certificate)
        scene = Scene(Link(process.pid), context, process)
        run_async_test(name, LOOP_FACTORIES[loop_name], lambda: SCENES[name](scene), SCENE_SECONDS)
        print(json.dumps({"noticed": scene.noticed, "told": scene.told}), flush=True)
        process.kill()


if __name__ == "__main__":
    main()
