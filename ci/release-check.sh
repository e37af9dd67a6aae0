#!/usr/bin/env bash
# A release without the publishing: builds what can be built here, installs it as a user does, and
# checks all files together. The workflow `release` calls it with the files of all platforms.
# Usage: ci/release-check.sh [DIRECTORY], with the files of all platforms; builds dist/ by default.
set -euo pipefail
cd "$(dirname "$0")/.."

directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
root=$PWD
unset WIRESPEED_REQUIRE_EXTENSION WIRESPEED_PURE_PYTHON WIRESPEED_BUILD_EXTENSION
version=$(python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])')
python=$(bash ci/venv.sh "$version" "$directory/user")

if (($# > 0)); then
    files=$(cd "$1" && pwd)
    tools=$(bash ci/venv.sh "$version" "$directory/tools")
    "$tools" ci/requirements.py wheels >"$directory/requirements.txt"
    "$tools" -m pip install -qq -r "$directory/requirements.txt"
    "$tools" ci/check_release.py "$files" --all
    for wheel in "$files"/*.whl; do
        "$tools" ci/check_wheel.py "$wheel"
    done
    "$tools" -m twine check --strict "$files"/*
else
    bash ci/wheels.sh "$version"
    files=$root/dist
    "$python" ci/check_release.py "$files"
fi

# Of all files, pip chooses the wheel for this machine. It must not look for the name in an index.
"$python" -m pip download -qq --no-index --no-deps --pre --only-binary wirespeed \
    --find-links "$files" --dest "$directory/chosen" wirespeed
chosen=("$directory"/chosen/*.whl)
"$python" -m pip install -qq "${chosen[0]}[fast]"
(cd "$directory" && "$python" "$root/ci/smoke.py" compiled && user/bin/wirespeed --help >help.txt)
grep -q "demo" "$directory/help.txt"

# What this machine cannot try is said, not passed over.
echo "not tried here: trusted publishing and attestations (only on GitHub)"
"$python" - <<'END'
import tomllib

if "urls" not in tomllib.load(open("pyproject.toml", "rb"))["project"]:
    print("not set: [project.urls], because the project has no public address yet")
END
