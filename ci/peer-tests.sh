#!/usr/bin/env bash
# Runs other clients' own tests over the faces that stand for these clients. The tests are fetched.
# Usage: ci/peer-tests.sh [PYTHON] [PEER ...], all peers by default, with the extra `test` installed
set -euo pipefail
cd "$(dirname "$0")/.."

python=${1:-.venv/bin/python}
shift $(($# < 1 ? $# : 1))
peers=("$@")
if [[ ${#peers[@]} -eq 0 ]]; then
    for helper in ci/peer_tests/over_*.py; do
        helper=${helper##*/over_}
        peers+=("${helper%.py}")
    done
fi

directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
export PYTHONPATH="ci${PYTHONPATH:+:$PYTHONPATH}"
status=0
for peer in "${peers[@]}"; do
    "$python" -P -m "peer_tests.over_$peer" "$directory/$peer" || status=1
done
exit $status
