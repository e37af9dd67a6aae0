#!/usr/bin/env bash
# Runs the compiled suite on other versions of Python, each in a fresh environment.
# Leaves out tests that do not depend on the version: those of the repository itself (house), of
# the kernels in C, conformance, the benchmark, and the long search for faults in compression.
# Usage: ci/test-matrix.sh VERSION..., for example 3.12 3.13
set -euo pipefail
cd "$(dirname "$0")/.."

directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT

left_out=(house kernels conformance bench/test_bench.py twins/test_deflate.py)

for version in "$@"; do
    python=$(bash ci/venv.sh "$version" "$directory/$version")
    WIRESPEED_BUILD_EXTENSION=1 "$python" -m pip install -qq '.[test]'
    PYTEST_ADDOPTS="${left_out[*]/#/--ignore=tests/}" bash ci/test.sh "$python" compiled
done
