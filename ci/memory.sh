#!/usr/bin/env bash
# Lets every allocation of every scene fail once: about 7,000 points, some minutes.
# Usage: ci/memory.sh [PYTHON] [ARGUMENTS], with the extra `test` installed. The argument `--help`
# lists the arguments. WIRESPEED_PURE_PYTHON=1 plays in pure Python.
set -euo pipefail
cd "$(dirname "$0")/.."

python=${1:-.venv/bin/python}
shift $(($# < 1 ? $# : 1))

export PYTHONPATH="tests${PYTHONPATH:+:$PYTHONPATH}"
exec "$python" -P -m memory.run "$@"
