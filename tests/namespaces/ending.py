"""Ends a process when its input ends, so that none outlives the one that started it.

This holds however that one ends, even if it is killed. With a process, its namespaces end too.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable


def end_with_input(got_line: Callable[[str], object]) -> None:
    """Call `got_line` in another thread with each line of the input; at its end, exit at once."""

    def read() -> None:
        for line in sys.stdin:
            got_line(line)
        os._exit(1)

    threading.Thread(target=read, daemon=True).start()
