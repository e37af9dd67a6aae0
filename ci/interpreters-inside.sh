#!/usr/bin/env bash
# The part of ci/interpreters.sh that runs in its Debian: gets interpreters, and runs the suite.
# Usage: ci/interpreters-inside.sh NAME...
set -euo pipefail
cd "$(dirname "$0")/.."

export DEBIAN_FRONTEND=noninteractive PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore

# What has no wheel for an interpreter, and is not built here. Tests that import it are left out.
declare -A missing=(
    [3.14]=""
    [3.15]=""
    # No wheels for PyPy, or none without a package that has none.
    [pypy3]="aiofastnet kosoku matplotlib msgpack msgspec orjson picows pydantic trustme tiny-proxy uvloop zlib-ng"
    # No wheels for a free-threaded CPython 3.13.
    [free-threaded]="aiofastnet kosoku msgpack msgspec orjson picows trustme tiny-proxy uvloop zlib-ng"
)

get() {
    [[ -e /etc/apt/apt.conf.d/80mirror ]] || {
        # A mirror may lag behind.
        echo 'Acquire::Check-Valid-Until "false";' >/etc/apt/apt.conf.d/80mirror
        echo 'deb-src http://deb.debian.org/debian sid main' >>/etc/apt/sources.list
        echo 'deb-src http://deb.debian.org/debian stable main' >>/etc/apt/sources.list
    }
    apt-get -qq update
    case $1 in
        pypy3) apt-get -qq install --yes --no-install-recommends pypy3-venv pypy3-dev ;;
        free-threaded) bash ci/free-threaded.sh /opt/free-threaded ;;
        *) apt-get -qq install --yes --no-install-recommends "python$1-venv" "python$1-dev" ;;
    esac >/dev/null
}

environment() {
    local command=python$1
    [[ $1 != pypy3 ]] || command=pypy3
    [[ $1 != free-threaded ]] || command=/opt/free-threaded/bin/python3
    type -P "$command" >/dev/null || get "$1"
    [[ -x /environments/$1/bin/python ]] || "$command" -m venv "/environments/$1"
}

# Without the packages of its row above.
install_requirements() {
    local pattern
    pattern=$(printf '%s\n' ${missing[$1]} | paste -sd '|')
    "$python" ci/requirements.py test | grep -vE "^(${pattern:-none})[^a-z-]" >"/tmp/requirements-$1"
    "$python" -m pip install -qq --prefer-binary -r "/tmp/requirements-$1" .
}

# The tests that need nothing of what is missing; without conftest.py, which needs all of it.
run_parts() {
    "$python" -P ci/run_parts.py ${TESTS:-tests/base tests/connection/test_parallel_loops.py \
        tests/connection/test_ways_to_run.py}
}

status=0
for name in "$@"; do
    printf '\n=== %s\n' "$name"
    environment "$name"
    python=/environments/$name/bin/python
    export WIRESPEED_BUILD_EXTENSION=1
    [[ $name != pypy3 ]] || WIRESPEED_BUILD_EXTENSION=0
    install_requirements "$name"
    case $name in
        pypy3) run_parts || status=1 ;;
        # Nothing may switch the GIL on again: the tests fail if it is on at their end.
        free-threaded) PYTHON_GIL=0 WIRESPEED_REQUIRE_EXTENSION=1 run_parts || status=1 ;;
        *) PYTEST_ADDOPTS="$TESTS" bash ci/test.sh "$python" || status=1 ;;
    esac
done
exit $status
