#!/usr/bin/env bash
# Format, lint and types, of Python and of Cython.
# Usage: ci/lint.sh [PYTHON], with the compiled core and the group `lint` installed
set -euo pipefail
cd "$(dirname "$0")/.."

python=${1:-.venv/bin/python}

"$python" -m ruff format --check .
"$python" -m ruff check .
"$(dirname "$python")/cython-lint" cython/
"$python" -m mypy
bash ci/stubtest.sh "$python"
"$(dirname "$python")/validate-pyproject" pyproject.toml
