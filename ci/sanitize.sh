#!/usr/bin/env bash
# Runs the tests of the codec with the core built under AddressSanitizer and UBSan.
# Usage: ci/sanitize.sh [VERSION], with a version of Python; 3.11 by default
set -euo pipefail
cd "$(dirname "$0")/.."

directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT

python=$(bash ci/venv.sh "${1:-3.11}" "$directory/venv")
WIRESPEED_BUILD_EXTENSION=1 WIRESPEED_SANITIZE=1 WIRESPEED_DEBUG=1 \
    "$python" -m pip install -qq '.[test]'

# Python's own allocator would hide the ends of objects from ASan, and pytest's usual capture
# would swallow the report of ASan when it ends the process.
LD_PRELOAD=$("${CC:-cc}" -print-file-name=libasan.so) \
    ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=print_stacktrace=1 PYTHONMALLOC=malloc \
    WIRESPEED_PURE_PYTHON=0 WIRESPEED_REQUIRE_EXTENSION=1 \
    "$python" -m pytest --capture=sys -k "not codec.pure" tests/twins
# The kernels have a harness in C with its own sanitizers. Python without ASan cannot load the
# sanitized core, so this runs in pure Python.
WIRESPEED_PURE_PYTHON=1 WIRESPEED_REQUIRE_EXTENSION=1 "$python" -m pytest tests/kernels
