#!/usr/bin/env bash
# Runs 200 connections through random faults, on asyncio and then on uvloop.
# Usage: ci/soak.sh [SECONDS] [PYTHON] [ARGUMENTS], ten minutes by default, with the extra `test`
# installed. The argument `--help` lists the arguments. WIRESPEED_PURE_PYTHON=1 runs in pure Python.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=${1:-600}
python=${2:-.venv/bin/python}
shift $(($# < 2 ? $# : 2))

export PYTHONPATH="tests${PYTHONPATH:+:$PYTHONPATH}"
status=0
for loop in asyncio uvloop; do
    "$python" -P -m soak.run --loop "$loop" --seconds $((seconds / 2)) "$@" || status=1
done
exit $status
