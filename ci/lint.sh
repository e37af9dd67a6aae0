#!/usr/bin/env bash
# Checks format, lint and types of Python and Cython.
# Usage: ci/lint.sh [PYTHON], with the compiled core and the group `lint` installed
set -euo pipefail
cd "$(dirname "$0")/.."

python=${1:-.venv/bin/python}
# cython-lint looks for pycodestyle on PATH.
export PATH=$(cd "$(dirname "$python")" && pwd):$PATH

"$python" -m ruff format --check .
"$python" -m ruff check .
cython-lint cython/
"$python" -m mypy
bash ci/stubtest.sh "$python"
validate-pyproject pyproject.toml
