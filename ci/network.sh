#!/usr/bin/env bash
# Plays the scenes of tests/namespaces in network namespaces: links that are cut, slow, or change.
# Usage: ci/network.sh [PYTHON] [--install] [ARGUMENTS], with the extra `test` installed.
# `--install` gets missing programs with apt, if this is root. `--help` lists the arguments.
# WIRESPEED_PURE_PYTHON=1 runs in pure Python.
set -euo pipefail
cd "$(dirname "$0")/.."

python=${1:-.venv/bin/python}
shift $(($# > 0))

if [[ ${1:-} == --install ]]; then
    shift
    if ((EUID == 0)) && type -P apt-get >/dev/null && ! type -P ip tc nft >/dev/null; then
        export DEBIAN_FRONTEND=noninteractive
        # Without them, the scenes are not played, and say so.
        { apt-get -qq update && apt-get -qq install --yes iproute2 nftables; } >/dev/null || true
    fi
fi

export PYTHONPATH="tests${PYTHONPATH:+:$PYTHONPATH}"
exec "$python" -P -m namespaces.run "$@"
