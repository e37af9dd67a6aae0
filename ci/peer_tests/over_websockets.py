"""The tests of picows' look-alike of `websockets`, over `wirespeed.compat.websockets`.

Those that fail with `websockets` itself do not apply: they test what is picows' own.
Usage: python -m peer_tests.over_websockets DIRECTORY
"""

from __future__ import annotations

import sys
from pathlib import Path

from .running import copy_tests, fetch_sdist, install_tools, report_on, run_tests

FACE = "wirespeed.compat.websockets"
# The rest is about servers.
FILES = [
    f"tests/test_websockets_{part}.py"
    for part in ("client", "compat_types", "exceptions", "negotiation", "ping_pong", "recv", "send")
]


def main(directory: Path) -> int:
    """Fetch and run the tests; return the exit status."""
    directory.mkdir(parents=True)
    folder = copy_tests(fetch_sdist("picows", directory), directory)
    tools = install_tools(directory, "pytest-asyncio", "async-timeout")

    def run(target: str, tests: list[str]) -> dict[str, bool]:
        return run_tests(
            folder,
            tests,
            plugin="websockets_target",
            path=[tools],
            environment={"WEBSOCKETS_TARGET": target},
            arguments=["-p", "pytest_asyncio", "-o", "asyncio_mode=auto"],
        )

    applicable = run("websockets", FILES)
    wanted = [name for name, has_passed in applicable.items() if has_passed]
    return report_on(FACE, applicable, run(FACE, wanted))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
