#!/usr/bin/env bash
# Runs all 517 cases of the Autobahn suite on both cores: 11 GB a core, some minutes each.
# Usage: ci/conformance.sh PYTHON [compiled] [pure], with wirespeed[test] installed; both cores
# by default.
set -euo pipefail
cd "$(dirname "$0")/.."

python=$1
shift
cores=("$@")
(($# > 0)) || cores=(compiled pure)

export PYTHONPATH="tests${PYTHONPATH:+:$PYTHONPATH}" WIRESPEED_REQUIRE_EXTENSION=1
status=0
for core in "${cores[@]}"; do
    pure=0
    [[ $core == compiled ]] || pure=1
    WIRESPEED_PURE_PYTHON=$pure "$python" -P -m conformance.whole || status=1
done
exit $status
