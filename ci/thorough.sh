#!/usr/bin/env bash
# Runs the whole compiled suite in builds and modes that are too slow for every change.
# Usage: ci/thorough.sh [sanitized] [bounds] [asyncio-debug] [-- ARGUMENTS OF PYTEST], all three by
# default. The environments are kept in build/thorough. Each mode takes up to an hour.
#
# sanitized: AddressSanitizer and UBSan, with every object in memory of its own.
# bounds: each index of the compiled core is checked.
# asyncio-debug: the event loop's debug mode, for the compiled core and in pure Python.
set -euo pipefail
cd "$(dirname "$0")/.."

place=build/thorough
modes=()
while (($# > 0)) && [[ $1 != -- ]]; do
    modes+=("$1")
    shift
done
shift $(($# > 0))
((${#modes[@]} > 0)) || modes=(sanitized bounds asyncio-debug)

export WIRESPEED_BUILD_EXTENSION=1 WIRESPEED_REQUIRE_EXTENSION=1 WIRESPEED_PURE_PYTHON=0

environment() {
    local directory=$place/$1
    [[ -x $directory/bin/python ]] || bash ci/venv.sh 3.11 "$directory" >/dev/null
    "$directory/bin/python" -m pip install -qq --disable-pip-version-check '.[test]'
    echo "$directory/bin/python"
}

run_tests() {
    "$python" -P ci/run_pytest.py --ignore=tests/house --ignore=tests/bench --ignore=tests/cli \
        --ignore=tests/docs "$@"
}

# Only the runtime of the compiler that built the core fits.
sanitized() {
    export WIRESPEED_SANITIZE=1 WIRESPEED_DEBUG=1
    python=$(environment sanitized)
    # Python's own allocator would hide the ends of objects, and usual capturing the report. ASan
    # keeps freed memory for a while, so memory is not flat.
    LD_PRELOAD=$("${CC:-cc}" -print-file-name=libasan.so) PYTHONMALLOC=malloc \
        ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=print_stacktrace=1 \
        run_tests --capture=sys -k "not codec.pure" --ignore=tests/kernels \
        --ignore=tests/refcounts "$@"
}

bounds() {
    export WIRESPEED_DEBUG=1
    python=$(environment bounds)
    run_tests "$@"
}

asyncio-debug() {
    python=$(environment release)
    PYTHONASYNCIODEBUG=1 run_tests "$@" || return 1
    WIRESPEED_PURE_PYTHON=1 PYTHONASYNCIODEBUG=1 run_tests "$@"
}

failed=()
for mode in "${modes[@]}"; do
    printf '\n--- %s\n' "$mode"
    # In a process of its own, so that its variables end with it.
    ("$mode" "$@") || failed+=("$mode")
done
printf '\nfailed: %s\n' "${failed[*]:-none}"
((${#failed[@]} == 0))
