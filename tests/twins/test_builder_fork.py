"""After a fork, parent and child must not use the same masking keys."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from twins.driving import Codec

# This runs in a separate process, because forking a process with threads is an error. The entropy
# source would return the same blocks in parent and child, if it did not use the process id.
SCRIPT = """
import importlib, json, os, sys

draws = 0

def entropy(size):
    global draws
    draws += 1
    return b"%08d%08d" % (os.getpid() % 10**8, draws) * (size // 16)

def key(builder):
    return builder.frame(2, b"")[2:6].hex()

def in_child(report):
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        os.write(writer, json.dumps(report()).encode())
        os._exit(0)
    os.close(writer)
    with open(reader) as answers:
        answer = json.load(answers)
    _, status = os.waitpid(child, 0)
    assert status == 0
    return answer

codec = importlib.import_module(sys.argv[1])
counting = codec.FrameBuilder(entropy=entropy)
ordinary = codec.FrameBuilder()
untouched = codec.FrameBuilder()
counting.append(2, b"gathered")
key(ordinary)

def child():
    here = {
        "draws before": draws,
        "gathered": len(counting),
        "keys": [key(counting), key(counting), key(ordinary), key(untouched)],
        "draws": draws,
    }
    here["grandchild"] = in_child(lambda: [key(counting), key(ordinary), draws])
    here["later keys"] = [key(counting), key(ordinary), draws]
    return here

answer = in_child(child)
parent = {
    "keys": [key(counting), key(counting), key(ordinary), key(untouched)],
    "draws": draws,
}
print(json.dumps({"child": answer, "parent": parent}))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_fork_drops_the_block(codec: Codec) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    finished = subprocess.run(
        [sys.executable, "-W", "error", "-c", SCRIPT, codec.__name__],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    report = json.loads(finished.stdout)
    parent, child = report["parent"], report["child"]
    # The parent goes on with its block; child and grandchild draw one new block each.
    assert parent["draws"] == 1
    assert (child["draws before"], child["draws"]) == (1, 2)
    assert child["grandchild"][2] == 3
    assert child["later keys"][2] == 2
    assert child["gathered"] == 14
    # Two keys are equal by chance once in 2^29 runs.
    for ours, theirs in zip(parent["keys"][2:], child["keys"][2:], strict=True):
        assert ours != theirs
    assert child["grandchild"][1] != child["later keys"][1]
