"""One failing allocation at a time in each scene: a sample of the points that `make memory` plays.

The interpreter must be able to let an allocation fail; CPython has the module `_testcapi` for that.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest
from memory.run import play_scene, running_peer
from memory.scenes import SCENES

from wirespeed._codec import backend

pytest.importorskip("_testcapi", reason="this interpreter has no _testcapi to fail allocations")
if sys.version_info >= (3, 12):
    pytest.skip(
        "from Python 3.12 on, `await` gets a result by an exception, which is allocated when the"
        " message has left the queue",
        allow_module_level=True,
    )
if not backend.COMPILED:
    pytest.skip(
        "in pure Python the rule of the compiled core does not hold", allow_module_level=True
    )

# Of a scene's points, about 30 to 1,500, every so many are played.
STRIDE = 61


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """Run the peer, and return its port."""
    with running_peer() as port:
        yield port


@pytest.mark.parametrize("name", SCENES)
def test_nothing_breaks(name: str, port: int) -> None:
    """Whichever allocation fails: no crash, no hang, no leak, and no harm to another connection."""
    outcome = play_scene(port, name, 7, STRIDE)
    assert outcome.points > 0
    assert not outcome.problems, "\n".join(f"{name} {n}: {text}" for n, text in outcome.problems)
