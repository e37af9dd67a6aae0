#!/usr/bin/env bash
# Runs all jobs that a change must pass, and lists the failed ones at the end.
set -euo pipefail
cd "$(dirname "$0")/.."

# Here a missing compiled core is an error, not a reason to run fewer tests.
export WIRESPEED_BUILD_EXTENSION=1 WIRESPEED_REQUIRE_EXTENSION=1

logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT

job() {
    local name=$1 before=$SECONDS
    shift
    printf '\n=== %s: %s\n' "$name" "$*"
    if "$@"; then
        printf '=== %s: done in %d s\n' "$name" $((SECONDS - before))
    else
        printf '=== %s: FAILED after %d s\n' "$name" $((SECONDS - before))
        echo "$name" >>"$logs/failed"
    fi
}

if ((EUID == 0)) && type -P apt-get >/dev/null && ! type -P tmux fish zsh >/dev/null; then
    # Without them, the tests of the command line on a terminal are skipped.
    { apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install --yes tmux fish zsh; } \
        >/dev/null || true
fi

job demo make demo ARGS="--messages 200000"
job lint make lint
job docs make docs
job counts make counts

# The tests mostly wait for sockets and other processes, so a second processor core runs other jobs
# at the same time. These are a separate process group (-m), so that one signal can end them.
set -m
{
    job build-modes bash ci/build-modes.sh
    job test-matrix bash ci/test-matrix.sh 3.13
    job sanitize bash ci/sanitize.sh
    job fuzz bash ci/fuzz.sh --install 60
} >"$logs/beside" 2>&1 &
beside=$!
set +m
trap 'kill -- "-$beside" 2>/dev/null || true; rm -rf "$logs"' EXIT
job test make test ARGS=--install
job wheels bash ci/wheels.sh 3.11
job programs make programs ARGS='--fast --wheel dist/wirespeed-*-cp311-*.whl'
job soak make soak ARGS=30
job network make network ARGS=--install
wait "$beside" || echo "beside the tests" >>"$logs/failed"
cat "$logs/beside"

touch "$logs/failed"
printf '\n=== all jobs: %d s, failed: %s\n' "$SECONDS" "$(paste -sd ' ' "$logs/failed")"
[[ ! -s $logs/failed ]]
