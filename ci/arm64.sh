#!/usr/bin/env bash
# Builds the kernels and the core for arm64, and runs their tests under qemu: kernels, codec, smoke.
# Usage: ci/arm64.sh [--install] [ARGUMENTS OF PYTEST]. `--install` gets missing programs with apt,
# if this is root. Debian's Python for arm64 is unpacked in build/arm64, and kept.
#
# A Python wrapped in qemu is a program like any other: tests start others with sys.executable.
set -euo pipefail
cd "$(dirname "$0")/.."

place=$PWD/build/arm64
root=$place/root
needed=(aarch64-linux-gnu-gcc qemu-aarch64-static mmdebstrap)
packages=(gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user-static mmdebstrap)

if [[ ${1:-} == --install ]]; then
    shift
    if ((EUID == 0)) && type -P apt-get >/dev/null && ! type -P "${needed[@]}" >/dev/null; then
        export DEBIAN_FRONTEND=noninteractive
        { apt-get -qq update && apt-get -qq install --yes "${packages[@]}"; } >/dev/null
    fi
fi
for program in "${needed[@]}"; do
    type -P "$program" >/dev/null || {
        echo "$program is required (Debian: apt-get install ${packages[*]})" >&2
        exit 1
    }
done
mkdir -p "$place"

# Debian 12 has Python 3.11. Its packages are unpacked and not configured, so nothing of arm64 runs.
[[ -x $root/usr/bin/python3.11 ]] || mmdebstrap --quiet --variant=extract --architectures=arm64 \
    --include=libpython3.11-dev,libpython3.11-stdlib,python3.11-minimal,ca-certificates \
    bookworm "$root" http://deb.debian.org/debian

tools=$place/tools/bin/python
[[ -x $tools ]] || bash ci/venv.sh 3.11 "$place/tools" >/dev/null
"$tools" -m pip install -qq --disable-pip-version-check 'build>=1.3' 'Cython>=3.1' 'setuptools>=77'

# With this platform in its environment, pip would take build requirements for arm64, too.
rm -rf "$place/dist" "$place/tree"
"$tools" -m build --sdist --outdir "$place/dist" . >"$place/build.log"
mkdir "$place/tree"
tar -xzf "$place"/dist/wirespeed-*.tar.gz -C "$place/tree" --strip-components=1
CC=aarch64-linux-gnu-gcc LDSHARED="aarch64-linux-gnu-gcc -shared" LDFLAGS=-Wl,-s \
    CFLAGS="-I$root/usr/include/python3.11 -idirafter $root/usr/include" \
    _PYTHON_HOST_PLATFORM=linux-aarch64 \
    SETUPTOOLS_EXT_SUFFIX=.cpython-311-aarch64-linux-gnu.so WIRESPEED_BUILD_EXTENSION=1 \
    "$tools" -m build --wheel --no-isolation --outdir "$place/dist" "$place/tree" \
    >>"$place/build.log"

# What the tests need has wheels for arm64. matplotlib is for charts only.
"$tools" ci/requirements.py test | grep -v '^matplotlib' >"$place/requirements.txt"
rm -rf "$place/site"
"$tools" -m pip install -qq --disable-pip-version-check --target "$place/site" \
    --platform linux_aarch64 --platform manylinux_2_28_aarch64 --platform manylinux2014_aarch64 \
    --python-version 3.11 --implementation cp --only-binary=:all: \
    -r "$place/requirements.txt" "$place"/dist/wirespeed-*-linux_aarch64.whl

cat >"$place/python" <<END
#!/bin/sh
export PYTHONHOME="$root/usr" PYTHONPATH="$place/site\${PYTHONPATH:+:\$PYTHONPATH}"
exec qemu-aarch64-static -L "$root" -0 "\$0" "$root/usr/bin/python3.11" "\$@"
END
chmod +x "$place/python"

export WIRESPEED_PURE_PYTHON=0 WIRESPEED_REQUIRE_EXTENSION=1
(cd "$place" && "$place/python" "$OLDPWD/ci/smoke.py" compiled)

# The environment of make has pytest for this machine, which compiles for the other one.
CC="aarch64-linux-gnu-gcc -static" WIRESPEED_KERNELS_RUNNER=qemu-aarch64-static \
    WIRESPEED_KERNELS_LEVEL=neon \
    .venv/bin/python -P ci/run_pytest.py -q -p no:cacheprovider tests/kernels

cd "$place/tree"
exec "$place/python" -P ci/run_pytest.py -q -p no:cacheprovider -k "not codec.pure" \
    tests/twins tests/codec "$@"
