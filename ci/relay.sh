#!/usr/bin/env bash
# Sends 1,000,000 numbered messages through a relay whose workers are killed, whose connections are
# reset, and whose JetStream is stopped and started: with two connections a feed, and with one.
# Usage: ci/relay.sh PYTHON [--messages N] [--rounds N] [--seed N], with wirespeed[test] installed.
set -euo pipefail
cd "$(dirname "$0")/.."

python=$(realpath --no-symlinks "$1")
shift
if ! type -P nats-server >/dev/null; then
    echo "nats-server is required (Debian: apt-get install nats-server)" >&2
    exit 1
fi

cd tests
status=0
for standby in 2 1; do
    "$python" -m relay.disturbed --standby "$standby" "$@" || status=1
done
exit $status
