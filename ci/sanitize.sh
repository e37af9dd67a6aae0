#!/usr/bin/env bash
# Runs the tests of the codec with the core built under AddressSanitizer and UBSan.
# Usage: ci/sanitize.sh [VERSION], by default of Python 3.11
set -euo pipefail
cd "$(dirname "$0")/.."

directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT

python=$(bash ci/venv.sh "${1:-3.11}" "$directory/venv")
WIRESPEED_BUILD_EXTENSION=1 WIRESPEED_SANITIZE=1 WIRESPEED_DEBUG=1 \
    "$python" -m pip install -qq '.[test]'

# Python's own allocator would hide from ASan where an object ends, and pytest's usual capture
# would swallow what ASan says when it ends the process.
LD_PRELOAD=$("${CC:-cc}" -print-file-name=libasan.so) \
    ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=print_stacktrace=1 PYTHONMALLOC=malloc \
    WIRESPEED_PURE_PYTHON=0 WIRESPEED_REQUIRE_EXTENSION=1 \
    "$python" -m pytest --capture=sys -k "not codec.pure" tests/twins
# The kernels have a harness in C, which is sanitized by itself; Python without ASan cannot load
# the sanitized core.
WIRESPEED_PURE_PYTHON=1 WIRESPEED_REQUIRE_EXTENSION=1 "$python" -m pytest tests/kernels
