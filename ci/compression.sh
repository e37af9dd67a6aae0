#!/usr/bin/env bash
# Runs all 216 cases of the Autobahn suite for compression: 11 GB, some minutes.
# Usage: ci/compression.sh [PYTHON], with the compiled core built in place and the extra `test`
set -euo pipefail
cd "$(dirname "$0")/.."

export PYTHONPATH="tests${PYTHONPATH:+:$PYTHONPATH}"
exec "${1:-.venv/bin/python}" -m conformance.compression
