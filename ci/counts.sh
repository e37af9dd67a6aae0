#!/usr/bin/env bash
# Counts instructions and cache misses a message with valgrind, and compares with the file of figures.
# Usage: ci/counts.sh [PYTHON] [ARGUMENTS], with the compiled core; `--help` as the arguments tells which
# there are, `--peers` needs the extra `bench`.
set -euo pipefail
cd "$(dirname "$0")/.."

python=${1:-.venv/bin/python}
shift $(($# < 1 ? $# : 1))

export PYTHONPATH=".${PYTHONPATH:+:$PYTHONPATH}"
exec "$python" -P -m benchmarks.counts "$@"
