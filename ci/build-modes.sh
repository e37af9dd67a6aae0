#!/usr/bin/env bash
# Installs the sdist in every build mode, each in a clean environment, and checks the result.
# Usage: ci/build-modes.sh [VERSION], with a version of Python; 3.11 by default
set -euo pipefail
cd "$(dirname "$0")/.."

version=${1:-3.11}
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
smoke=$PWD/ci/smoke.py
unset WIRESPEED_BUILD_EXTENSION WIRESPEED_REQUIRE_EXTENSION WIRESPEED_PURE_PYTHON CC

python=$(bash ci/venv.sh "$version" "$directory/tools")
"$python" -m pip install -qq 'build>=1.3'
"$python" -m build --sdist --outdir "$directory" . >"$directory/sdist.log"

# Installs a fresh copy of the sdist in a fresh environment: `install NAME [VARIABLE=VALUE...]`.
install() {
    local name=$1 tree=$directory/$1.tree
    shift
    mkdir "$tree"
    tar -xzf "$directory"/wirespeed-*.tar.gz -C "$tree" --strip-components=1
    python=$(bash ci/venv.sh "$version" "$directory/$name")
    env "$@" "$python" -m pip install "$tree" >"$directory/$name.log" 2>&1
}

# Runs outside the tree, so that only the installed package can be imported.
expect() {
    (cd "$directory" && "$python" "$smoke" "$@")
}

echo "unset, with a compiler: compiled"
install unset
expect compiled

echo "the same, with WIRESPEED_PURE_PYTHON=1 at run time: pure"
WIRESPEED_PURE_PYTHON=1 expect pure
WIRESPEED_PURE_PYTHON=1 WIRESPEED_REQUIRE_EXTENSION=1 expect pure

echo "unset, with a compiler that always fails: installs, and is pure"
install unset-broken CC=false
expect pure

echo "the same, with WIRESPEED_REQUIRE_EXTENSION=1 at run time: an error that says so"
if WIRESPEED_REQUIRE_EXTENSION=1 expect pure 2>"$directory/required.log"; then
    echo "importing without the compiled core must fail" >&2
    exit 1
fi
grep "ImportError: the compiled core wirespeed._codec._core is missing" "$directory/required.log"

echo "1, with a compiler that always fails: does not install"
if install must-broken CC=false WIRESPEED_BUILD_EXTENSION=1; then
    echo "the installation must fail" >&2
    exit 1
fi
grep -m 1 "Failed building wheel for wirespeed" "$directory/must-broken.log"
grep -q "'[^ ]*false'" "$directory/must-broken.log"

echo "1, with a compiler: compiled"
install must WIRESPEED_BUILD_EXTENSION=1
expect compiled

echo "0: pure, without asking for a compiler"
install never CC=false WIRESPEED_BUILD_EXTENSION=0
grep -o "wirespeed-.*-py3-none-any.whl" "$directory/never.log"
expect pure

echo "anything else: refused"
if install other WIRESPEED_BUILD_EXTENSION=yes; then
    echo "the installation must fail" >&2
    exit 1
fi
grep -m 1 "WIRESPEED_BUILD_EXTENSION is 'yes', allowed are 0, 1 or unset" "$directory/other.log"
