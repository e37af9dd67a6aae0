#!/usr/bin/env bash
# Runs the whole suite twice: with the compiled core, then in pure Python.
# Usage: ci/test.sh PYTHON [--install] [compiled] [pure], with wirespeed[test] installed; both by
# default. `--install` gets nats-server with apt, if this is root; without it, tests are skipped.
# The second run leaves out tests that use both codecs at once, or neither.
# If the compiled core is missing, its run is skipped with a notice. With
# WIRESPEED_REQUIRE_EXTENSION=1 a missing core is an error.
set -euo pipefail
cd "$(dirname "$0")/.."

python=$1
shift

if [[ ${1:-} == --install ]]; then
    shift
    if ((EUID == 0)) && type -P apt-get >/dev/null && ! type -P nats-server >/dev/null; then
        export DEBIAN_FRONTEND=noninteractive
        { apt-get -qq update && apt-get -qq install --yes nats-server; } >/dev/null || true
    fi
fi

suites=("$@")
(($# > 0)) || suites=(compiled pure)

implementation=$(WIRESPEED_PURE_PYTHON=0 "$python" -c 'import wirespeed; print(wirespeed.implementation)')

# A core that is installed must be tested: tests of both codecs leave out a missing one.
[[ $implementation == pure ]] || export WIRESPEED_REQUIRE_EXTENSION=1

# With CI set, pytest compares long lists to the last item to explain a failure, which can take
# minutes. So CI is unset; this option keeps hypothesis repeating the same examples, as with CI.
[[ -z ${CI:-} ]] || export PYTEST_ADDOPTS="${PYTEST_ADDOPTS:-} --hypothesis-profile=ci"
unset CI

once=(--ignore=tests/house --ignore=tests/kernels --ignore=tests/twins)

status=0
for suite in "${suites[@]}"; do
    printf '\n--- %s, %s\n' "$("$python" --version)" "$suite"
    if [[ $suite == pure ]]; then
        [[ $implementation == compiled && " ${suites[*]} " == *" compiled "* ]] || once=()
        WIRESPEED_PURE_PYTHON=1 "$python" -P ci/run_pytest.py "${once[@]}" || status=1
    elif [[ $implementation == compiled ]]; then
        WIRESPEED_PURE_PYTHON=0 "$python" -P ci/run_pytest.py || status=1
    else
        echo "NOT RUN: the compiled core is not installed; only pure Python is tested here"
    fi
done
exit $status
