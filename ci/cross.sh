#!/usr/bin/env bash
# Compiles the kernels and the core for musl, Windows and macOS with zig, and runs what can run here:
# kernels for musl; with wine, also those for Windows.
# Usage: ci/cross.sh [TARGET...], with `make .venv/with-test`; all targets by default.
#
# There is no Python for these systems here. The core is linked for musl only, and run nowhere.
set -euo pipefail
cd "$(dirname "$0")/.."

targets=("$@")
(($# > 0)) || targets=(x86_64-linux-musl aarch64-linux-musl x86_64-windows-gnu
    aarch64-windows-gnu x86_64-macos aarch64-macos)
place=$PWD/build/cross
mkdir -p "$place"

tools=$place/tools/bin/python
[[ -x $tools ]] || bash ci/venv.sh 3.11 "$place/tools" >/dev/null
"$tools" -m pip install -qq --disable-pip-version-check 'Cython>=3.1' 'setuptools>=77' 'ziglang>=0.15'
export ZIG_LOCAL_CACHE_DIR=$place/zig
headers=$("$tools" -c 'import sysconfig; print(sysconfig.get_path("include"))')

# The headers of CPython are the same everywhere, but for pyconfig.h. That of Linux does for macOS:
# both have 64-bit `long` and POSIX.
rm -rf "$place/windows"
cp -r "$headers" "$place/windows"
cp ci/cross/pyconfig.h "$place/windows/"

rm -rf "$place/tree"
mkdir "$place/tree"
cp -rL setup.py pyproject.toml README.md LICENSE src cython "$place/tree/"
find "$place/tree" -name '*.so' -delete

# Runs the harness of the kernels: `run_kernels CC [VARIABLE=VALUE...]`.
run_kernels() {
    local compiler=$1
    shift
    env "CC=$compiler" "$@" .venv/bin/python -P ci/run_pytest.py -q -p no:cacheprovider -rs \
        tests/kernels
}

link_core() {
    local suffix=.cpython-311-$1.so
    (cd "$place/tree" && CC=$2 LDSHARED="$2 -shared" LDFLAGS=-Wl,-s SETUPTOOLS_EXT_SUFFIX=$suffix \
        WIRESPEED_BUILD_EXTENSION=1 "$tools" setup.py -q build_ext --build-lib "$place/$1" \
        --build-temp "$place/temp-$1" >"$place/$1.log" 2>&1) || { cat "$place/$1.log"; return 1; }
    printf 'core: %d modules linked\n' "$(find "$place/$1" -name "*$suffix" | wc -l)"
}

# Cython's C compiles without a warning that names a mistake.
compile_core() {
    local include=$headers
    [[ $1 != *windows* ]] || include=$place/windows
    find "$place"/tree/build/cython-* -name '*.c' -print0 | (cd "$place/tree" && xargs -0 -P 2 -I FILE \
        $2 -O1 -c -fno-strict-aliasing -Werror=implicit-function-declaration \
        -Werror=incompatible-pointer-types -Werror=int-conversion "-I$include" -Icython/wirespeed \
        FILE -o FILE.o)
    printf 'core: %d modules compiled\n' "$(find "$place"/tree/build/cython-* -name '*.c' | wc -l)"
}

for target in "${targets[@]}"; do
    printf '\n--- %s\n' "$target"
    zig="$tools -m ziglang cc -target $target"
    case $target in
    x86_64-linux-musl) run_kernels "$zig" ;;
    aarch64-linux-musl)
        if type -P qemu-aarch64-static >/dev/null; then
            run_kernels "$zig" WIRESPEED_KERNELS_LEVEL=neon \
                WIRESPEED_KERNELS_RUNNER=qemu-aarch64-static
        fi
        ;;
    x86_64-windows-gnu)
        if type -P wine >/dev/null; then
            run_kernels "$zig" WIRESPEED_KERNELS_RUNNER=wine \
                "WINEPREFIX=$place/wine" WINEDEBUG=-all
        fi
        ;;
    esac
    $zig -std=c99 -O3 -Wall -Wextra -Wconversion -Werror -Icython/wirespeed/kernels \
        tests/kernels/kernels.c -o "$place/kernels-$target"
    echo "kernels: linked"
    # This also writes the C that the other targets compile.
    [[ -d $place/tree/build ]] || link_core x86_64-linux-musl \
        "$tools -m ziglang cc -target x86_64-linux-musl"
    [[ $target == x86_64-linux-musl ]] || compile_core "$target" "$zig"
done
