#!/usr/bin/env bash
# Runs the suite on interpreters that this machine does not have: those of Debian's unstable suite,
# and a free-threaded CPython that is built from Debian's source package. Takes hours.
# Usage: ci/interpreters.sh [NAME...], of 3.14 3.15 pypy3 free-threaded; all by default.
# TESTS="tests/connection" runs some tests only.
#
# Needs root, `unshare` and `debootstrap` (Debian: apt-get install debootstrap). The interpreters are
# in a Debian of their own, in .interpreters/root (2 GB). It is made once, and kept. Its processes
# and mounts are in namespaces of their own, so that nothing is left when this ends.
set -euo pipefail
cd "$(dirname "$0")/.."

root=$PWD/.interpreters/root
(($# > 0)) || set -- 3.14 3.15 pypy3 free-threaded

if ((EUID != 0)) || ! type -P debootstrap unshare >/dev/null; then
    echo "NOT RUN: this needs root, debootstrap and unshare" >&2
    exit 1
fi

if [[ ! -e $root/made ]]; then
    rm -rf "$root"
    mkdir -p "$root"
    debootstrap --variant=minbase --include=build-essential,ca-certificates,git sid "$root"
    touch "$root/made"
fi

# A proxy may have a certificate authority of its own.
cp "${PIP_CERT:-/etc/ssl/certs/ca-certificates.crt}" "$root/etc/ssl/certs/ca-certificates.crt"
cp /etc/resolv.conf /etc/hosts "$root/etc/"
rm -rf "$root/checkout"
mkdir "$root/checkout"
git ls-files -z --cached --others --exclude-standard |
    tar --null --files-from=- --ignore-failed-read --create | tar --extract --directory="$root/checkout"

export root TESTS=${TESTS:-}
exec nice unshare --mount --pid --fork --kill-child bash -euc '
    mount --make-rprivate /
    mount -t proc proc "$root/proc"
    mount --rbind /dev "$root/dev"
    exec chroot "$root" env -i LANG=C.UTF-8 PATH=/usr/sbin:/usr/bin:/sbin:/bin TESTS="$TESTS" \
        bash /checkout/ci/interpreters-inside.sh "$@"' bash "$@"
