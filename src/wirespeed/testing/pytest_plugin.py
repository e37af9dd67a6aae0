"""The pytest fixture `wirespeed_server`; `pytest_plugins = ["wirespeed.testing.pytest_plugin"]`.

It is no entry point: loading it with every run of pytest would cost those who do not use it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any, Protocol

import pytest

from ._serve import serve
from ._server import Script

__all__ = ["ServerFactory", "wirespeed_server"]


class ServerFactory(Protocol):
    """The type of the fixture `wirespeed_server`."""

    def __call__(self, *scripts: Script, **options: Any) -> str:
        """Start a server, with the arguments of `wirespeed.testing.serve`; return its URL."""


@pytest.fixture
def wirespeed_server() -> Iterator[ServerFactory]:
    """Start servers that run until the end of the test, each in a thread of its own.

    So the test may be a coroutine or not, whatever runs the coroutines. What a script raises is an
    error at the end of the test. The script runs in another event loop: use what is safe there,
    such as `list.append` or `queue.Queue`, and no `asyncio.Event` of the test.
    """
    with contextlib.ExitStack() as servers:

        def start(*scripts: Script, **options: Any) -> str:
            return servers.enter_context(serve(*scripts, **options))

        yield start
