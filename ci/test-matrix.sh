#!/usr/bin/env bash
# Runs the compiled suite on other versions of Python, each in a fresh environment.
# Left out is what does not depend on the version: the house, the kernels in C, conformance, the
# benchmark, and the long search for faults in compression.
# Usage: ci/test-matrix.sh VERSION[:DIRECTORY]..., for example 3.13 3.12:channel
set -euo pipefail
cd "$(dirname "$0")/.."

directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT

left_out=(house kernels conformance integration/test_cli_bench.py twins/test_deflate.py)

for each in "$@"; do
    version=${each%%:*}
    python=$(bash ci/venv.sh "$version" "$directory/$version")
    WIRESPEED_BUILD_EXTENSION=1 "$python" -m pip install -qq '.[test]'
    chosen=${each#"$version"}
    PYTEST_ADDOPTS="${left_out[*]/#/--ignore=tests/} ${chosen/#:/tests/}" bash ci/test.sh "$python" compiled
done
