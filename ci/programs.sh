#!/usr/bin/env bash
# Runs real programs on the libraries of others and on wirespeed's faces of them, and compares what they saw.
# Usage: ci/programs.sh [PYTHON] [ARGUMENTS], with the extra `test` installed. The argument `--help`
# lists the arguments. Environments are kept in .programs/; pip needs the package index to make them.
set -euo pipefail
cd "$(dirname "$0")/.."

python=${1:-.venv/bin/python}
shift $(($# < 1 ? $# : 1))

# The environment of a program decides what is imported there.
unset WIRESPEED_PURE_PYTHON
export PYTHONPATH=tests
exec "$python" -P -m programs.run "$@"
