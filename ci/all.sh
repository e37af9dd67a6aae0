#!/usr/bin/env bash
# Runs every job, as a machine that checks a change does; says at the end which ones failed.
set -euo pipefail
cd "$(dirname "$0")/.."

# Here a missing compiled core is a fault, never a reason to test less.
export WIRESPEED_BUILD_EXTENSION=1 WIRESPEED_REQUIRE_EXTENSION=1

failed=()

job() {
    local name=$1 before=$SECONDS
    shift
    printf '\n=== %s: %s\n' "$name" "$*"
    if "$@"; then
        printf '=== %s: done in %d s\n' "$name" $((SECONDS - before))
    else
        printf '=== %s: FAILED after %d s\n' "$name" $((SECONDS - before))
        failed+=("$name")
    fi
}

job demo make demo ARGS="--messages 200000"
job lint make lint
job build-modes bash ci/build-modes.sh
job wheels bash ci/wheels.sh
job sanitize bash ci/sanitize.sh
job test-matrix bash ci/test-matrix.sh 3.12 3.13
job test make test

printf '\n=== all jobs: %d s, %d failed: %s\n' "$SECONDS" "${#failed[@]}" "${failed[*]:-none}"
((${#failed[@]} == 0))
