#!/usr/bin/env bash
# Runs other clients' own tests over the faces that stand for these clients. The tests are fetched.
# Usage: ci/peer-tests.sh [PYTHON] [PEER ...], all peers by default, with the extra `test` installed
set -euo pipefail
cd "$(dirname "$0")/.."

python=${1:-.venv/bin/python}
shift $(($# < 1 ? $# : 1))
if [[ $# -eq 0 ]]; then
    set -- $(basename -s .py -a ci/peer_tests/*.py)
fi

status=0
for peer in "$@"; do
    "$python" -P "ci/peer_tests/$peer.py" || status=1
done
exit $status
