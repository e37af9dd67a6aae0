#!/usr/bin/env bash
# Fuzzes every target with libFuzzer, guided by coverage, under AddressSanitizer and UBSan.
# Usage: ci/fuzz.sh [--install] [SECONDS] [ARGUMENTS], ten minutes in all by default.
# `--install` gets clang with apt, if this is root. `--help` as SECONDS lists the arguments.
# The environment, new inputs and inputs that fail are kept in build/fuzz.
set -euo pipefail
cd "$(dirname "$0")/.."

place=build/fuzz
mkdir -p "$place"

has_clang() {
    echo 'int LLVMFuzzerTestOneInput(void) { return 0; }' >"$place/nothing.c"
    clang -fsanitize=fuzzer,address "$place/nothing.c" -o "$place/nothing" 2>"$place/clang.log"
}

if [[ ${1:-} == --install ]]; then
    shift
    if ! has_clang && ((EUID == 0)) && type -P apt-get >/dev/null; then
        export DEBIAN_FRONTEND=noninteractive
        # The recommended packages include libFuzzer and the sanitizers.
        { apt-get -qq update && apt-get -qq install --yes clang; } >/dev/null
    fi
fi
has_clang || {
    echo "clang with libFuzzer is required (Debian: apt-get install clang)" >&2
    cat "$place/clang.log" >&2
    exit 1
}

# atheris has wheels for this version.
python=$place/venv/bin/python
[[ -x $python ]] || bash ci/venv.sh 3.11 "$place/venv" >/dev/null
"$python" ci/requirements.py fuzz >"$place/requirements.txt"
"$python" -m pip install -qq --disable-pip-version-check -r "$place/requirements.txt"
CC=clang LDSHARED="clang -shared" \
    WIRESPEED_BUILD_EXTENSION=1 WIRESPEED_FUZZ=1 WIRESPEED_DEBUG=1 \
    "$python" -m pip install -qq --disable-pip-version-check '.[fast]'
clang -std=c99 -O1 -g -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined \
    -Icython/wirespeed/kernels -Itests/kernels -Wall -Wextra -Werror fuzz/kernels.c \
    -o "$place/kernels"

# Python's own allocator would hide the ends of objects from ASan.
export PYTHONMALLOC=malloc PYTHONPATH=tests:. \
    WIRESPEED_PURE_PYTHON="${WIRESPEED_PURE_PYTHON:-0}" WIRESPEED_REQUIRE_EXTENSION=1
exec "$python" -P -m fuzz.run "${@:-600}"
