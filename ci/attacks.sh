#!/usr/bin/env bash
# Measures what the dearest streams that a server can send cost, beside honest ones.
# Usage: ci/attacks.sh [PYTHON] [ARGUMENTS]; `--help` as the arguments tells which there are.
set -euo pipefail
cd "$(dirname "$0")/.."

python=${1:-.venv/bin/python}
shift $(($# < 1 ? $# : 1))

export PYTHONPATH=".${PYTHONPATH:+:$PYTHONPATH}"
exec "$python" -P -m benchmarks.attacks "$@"
