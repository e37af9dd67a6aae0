#!/usr/bin/env bash
# Creates a fresh virtual environment and prints the path of its Python.
# Usage: ci/venv.sh VERSION DIRECTORY, with VERSION such as 3.12
set -euo pipefail
cd "$(dirname "$0")/.."

version=$1 directory=$2

runs_version() {
    [[ $("$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) == "$version" ]]
}

for python in "python$version" python3 python "$HOME/.pyenv/versions/$version".*/bin/python; do
    if runs_version "$python"; then
        "$python" -m venv --clear "$directory"
        echo "$directory/bin/python"
        exit
    fi
done
echo "no Python $version on PATH or under ~/.pyenv/versions" >&2
exit 1
