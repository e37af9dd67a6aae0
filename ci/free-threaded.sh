#!/usr/bin/env bash
# Builds CPython without the GIL from Debian's source package, in some ten minutes.
# Usage: ci/free-threaded.sh PREFIX, as root in a Debian with `deb-src` entries
set -euo pipefail
cd "$(dirname "$0")/.."

prefix=$1
[[ ! -x $prefix/bin/python3 ]] || exit 0

apt-get -qq install --yes --no-install-recommends build-essential dpkg-dev libbz2-dev libffi-dev \
    liblzma-dev libreadline-dev libsqlite3-dev libssl-dev libzstd-dev pkgconf zlib1g-dev
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
cd "$directory"

# Mirrors do not always have the newest source.
for package in python3.14 python3.13; do
    apt-get -qq source --download-only --tar-only "$package" && break
done
tar -xf python3.*.orig.tar.xz
cd Python-3.*
./configure --quiet --prefix="$prefix" --disable-gil --disable-test-modules
# Less optimised, this takes half of the time.
make -s -j"$(nproc)" OPT="-O1 -DNDEBUG"
make -s install
