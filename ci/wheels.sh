#!/usr/bin/env bash
# Builds the sdist, and from it the wheels of this platform and the pure one. Tests each, and checks
# that a second build gives the same bytes.
# Usage: ci/wheels.sh [VERSION...], by default 3.11 3.12 3.13; leaves everything in dist/
set -euo pipefail
cd "$(dirname "$0")/.."

directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
root=$PWD
versions=("$@")
(($# > 0)) || versions=(3.11 3.12 3.13)
unset WIRESPEED_REQUIRE_EXTENSION WIRESPEED_PURE_PYTHON

# The time of the commit is the time of every file. Outside of git, it is that of this script.
: "${SOURCE_DATE_EPOCH:=$(git log -1 --format=%ct 2>/dev/null || stat --format %Y ci/wheels.sh)}"
export SOURCE_DATE_EPOCH
umask 022

tools=$(bash ci/venv.sh "${versions[0]}" "$directory/tools")
"$tools" ci/requirements.py wheels >"$directory/requirements.txt"
"$tools" -m pip install -qq -r "$directory/requirements.txt"

# Builds the sdist of a tree: `make_sdist TREE TARGET`.
make_sdist() {
    "$tools" -m build --sdist --outdir "$2" "$1" >"$directory/sdist.log"
    "$tools" "$root/ci/repack_sdist.py" "$2"/wirespeed-*.tar.gz
}

# Builds a wheel from the sdist: `make_wheel PYTHON MODE TARGET`.
# Symbols would be a sixth of the compiled modules.
make_wheel() {
    WIRESPEED_BUILD_EXTENSION=$2 LDFLAGS=-Wl,-s "$1" -m pip wheel -qq --no-deps --no-cache-dir \
        --wheel-dir "$3" "${sdists[0]}"
}

# Builds one wheel and runs it elsewhere: `try_wheel VERSION MODE TAGS IMPLEMENTATION`.
try_wheel() {
    local version=$1 mode=$2 tags=$3 implementation=$4 python
    python=$(bash ci/venv.sh "$version" "$directory/$version-$mode")
    make_wheel "$python" "$mode" dist
    "$python" -m pip install -qq dist/wirespeed-*-$tags.whl
    (cd "$directory" && "$python" "$root/ci/smoke.py" "$implementation")
}

same_bytes() {
    cmp "$1" "$2"
    printf '%s: a second build gave the same bytes\n' "${1##*/}"
}

rm -rf dist
make_sdist . dist
sdists=(dist/wirespeed-*.tar.gz)
released=${sdists[0]#dist/wirespeed-}
released=${released%.tar.gz}

for version in "${versions[@]}"; do
    cp=cp${version/./}
    try_wheel "$version" 1 "$cp-$cp-*" compiled
done
try_wheel "${versions[0]}" 0 py3-none-any pure

# pip builds in a new folder each time, so that the folder's name is in no file.
(umask 077 && tar -xzf "${sdists[0]}" -C "$directory")
# setuptools has added these.
(cd "$directory/wirespeed-$released" && rm -r PKG-INFO setup.cfg src/wirespeed.egg-info)
make_sdist "$directory/wirespeed-$released" "$directory/again"
same_bytes "${sdists[0]}" "$directory/again/${sdists[0]##*/}"
make_wheel "$directory/${versions[0]}-1/bin/python" 1 "$directory/again"
make_wheel "$directory/${versions[0]}-0/bin/python" 0 "$directory/again"
for wheel in "$directory"/again/*.whl; do
    same_bytes "dist/${wheel##*/}" "$wheel"
done

for wheel in dist/*.whl; do
    "$tools" ci/check_wheel.py "$wheel"
done
"$tools" -m twine check --strict dist/*
"$tools" -m check_wheel_contents dist/*.whl
for wheel in dist/*-linux_*.whl; do
    "$tools" -m auditwheel show "$wheel" >"$directory/audit"
    sed -n '/is consistent/,/^$/p' "$directory/audit"
    grep -q manylinux "$directory/audit"
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
