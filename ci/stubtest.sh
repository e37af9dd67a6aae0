#!/usr/bin/env bash
# Compares the compiled modules at run time with their type stubs.
# Usage: ci/stubtest.sh [PYTHON], with the compiled core built in place and mypy installed
set -euo pipefail
cd "$(dirname "$0")/.."

python=${1:-.venv/bin/python}
python=$(cd "$(dirname "$python")" && pwd)/$(basename "$python")
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT

# The compiled channel has no stubs: its Python source, which has the types, is the stub.
cp -r src pyproject.toml ci/stubtest-allowlist.txt "$tree"
modules=(wirespeed._codec._core)
while read -r source; do
    name=${source%.py}
    cp "src/wirespeed/_channel/$source" "$tree/src/wirespeed/_channel_c/$name.pyi"
    modules+=("wirespeed._channel_c.${name//\//.}")
done < <(cd src/wirespeed/_channel && find . -name '[a-z]*.py' -printf '%P\n' | sort)

cd "$tree"
PYTHONPATH=src "$python" -m mypy.stubtest --concise --mypy-config-file pyproject.toml \
    --ignore-missing-stub --ignore-disjoint-bases --ignore-positional-only \
    --ignore-unused-allowlist --allowlist stubtest-allowlist.txt "${modules[@]}"
