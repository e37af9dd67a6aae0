#!/usr/bin/env bash
# Builds the sdist, and from it the wheels of this platform and the pure one, and tests each.
# Usage: ci/wheels.sh [VERSION...], by default 3.11 3.12 3.13; leaves everything in dist/
set -euo pipefail
cd "$(dirname "$0")/.."

directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
root=$PWD
versions=("$@")
(($# > 0)) || versions=(3.11 3.12 3.13)
unset WIRESPEED_REQUIRE_EXTENSION WIRESPEED_PURE_PYTHON

tools=$(bash ci/venv.sh "${versions[0]}" "$directory/tools")
"$tools" ci/requirements.py wheels >"$directory/requirements.txt"
"$tools" -m pip install -qq -r "$directory/requirements.txt"

rm -rf dist
"$tools" -m build --sdist >"$directory/sdist.log"

# Builds one wheel and runs it elsewhere: `try_wheel VERSION MODE TAGS IMPLEMENTATION`.
try_wheel() {
    local version=$1 mode=$2 tags=$3 implementation=$4 python
    python=$(bash ci/venv.sh "$version" "$directory/$version-$mode")
    WIRESPEED_BUILD_EXTENSION=$mode "$python" -m pip wheel -qq --no-deps --no-cache-dir \
        --wheel-dir dist dist/wirespeed-*.tar.gz
    "$python" -m pip install -qq dist/wirespeed-*-$tags.whl
    (cd "$directory" && "$python" "$root/ci/smoke.py" "$implementation")
}

for version in "${versions[@]}"; do
    cp=cp${version/./}
    try_wheel "$version" 1 "$cp-$cp-*" compiled
done
try_wheel "${versions[0]}" 0 py3-none-any pure

for wheel in dist/*.whl; do
    "$tools" ci/check_wheel.py "$wheel"
done

# Without containers and other machines, this is all that can be checked of the published wheels.
for platform in linux macos windows; do
    "$tools" -m cibuildwheel --platform "$platform" --print-build-identifiers \
        >"$directory/identifiers"
    printf '%s: %d wheels\n' "$platform" "$(wc -l <"$directory/identifiers")"
    for tag in cp311 cp312 cp313 cp314 cp314t cp315 cp315t; do
        grep -q "^$tag-" "$directory/identifiers" || { echo "no $tag for $platform" >&2; exit 1; }
    done
done
ls -l dist
