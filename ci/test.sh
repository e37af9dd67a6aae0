#!/usr/bin/env bash
# Runs the whole suite twice: with the compiled core, then in pure Python.
# Usage: ci/test.sh PYTHON [compiled] [pure], with wirespeed[test] installed; both by default.
# What runs on both codecs at once, or on neither, is left out of a second run.
# A core that is missing is skipped, and told, unless WIRESPEED_REQUIRE_EXTENSION=1 is set.
set -euo pipefail
cd "$(dirname "$0")/.."

python=$1
shift
suites=("$@")
(($# > 0)) || suites=(compiled pure)

implementation=$(WIRESPEED_PURE_PYTHON=0 "$python" -c 'import wirespeed; print(wirespeed.implementation)')

# What is there must be tested; the tests of both codecs leave out the one that is missing.
[[ $implementation == pure ]] || export WIRESPEED_REQUIRE_EXTENSION=1

# On CI pytest compares long lists to the last item to explain a failure, which can take minutes;
# hypothesis repeats the same examples there, and still does.
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
