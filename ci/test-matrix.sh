#!/usr/bin/env bash
# Runs the compiled suite on other versions of Python, each in a fresh environment.
# Left out is what does not depend on the version: the house, the kernels in C, and conformance.
# Usage: ci/test-matrix.sh VERSION..., for example 3.12 3.13
set -euo pipefail
cd "$(dirname "$0")/.."

directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT

for version in "$@"; do
    python=$(bash ci/venv.sh "$version" "$directory/$version")
    WIRESPEED_BUILD_EXTENSION=1 "$python" -m pip install -qq '.[test]'
    PYTEST_ADDOPTS="--ignore=tests/house --ignore=tests/kernels --ignore=tests/conformance" \
        bash ci/test.sh "$python" compiled
done
