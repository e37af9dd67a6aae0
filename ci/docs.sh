#!/usr/bin/env bash
# Builds the documentation site in docs/_build/html. Warnings are errors; nothing is fetched.
# Usage: ci/docs.sh [PYTHON], with wirespeed[test,docs] installed
set -euo pipefail
cd "$(dirname "$0")/.."

python=${1:-.venv/bin/python}
"$python" -m sphinx -q -E -a -W --keep-going -n -b html -d docs/_build/doctrees docs docs/_build/html
echo "the site is in docs/_build/html/index.html"
