#!/usr/bin/env bash
# Repeats each public operation many times on both cores: references and memory must not change.
# Usage: ci/refcounts.sh [REPEATS] [PYTHON], 100,000 by default, with wirespeed[test] installed
set -euo pipefail
cd "$(dirname "$0")/.."

export WIRESPEED_REPEATS=${1:-100000} WIRESPEED_REQUIRE_EXTENSION=1
python=${2:-.venv/bin/python}

for pure in 0 1; do
    WIRESPEED_PURE_PYTHON=$pure "$python" -P ci/run_pytest.py tests/refcounts
done
