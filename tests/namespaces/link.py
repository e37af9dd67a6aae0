"""The link between two network namespaces: a pair of virtual Ethernet devices.

Both namespaces have no name. They live in their processes, and end with them: nothing is left
behind, whatever happens. Nothing outside of them is changed.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import time
from typing import Final

PORT: Final = 8000
NAME: Final = "feed.example"

# Addresses for documentation (RFC 5737, RFC 3849). Each pair of namespaces has its own.
SERVER_IPV4: Final = "192.0.2.2"
SERVER_IPV6: Final = "2001:db8::2"
CLIENT_IPV4: Final = "192.0.2.1"
OTHER_CLIENT_IPV4: Final = "192.0.2.3"
CLIENT_IPV6: Final = "2001:db8::1"

ROUTE_SECONDS: Final = 20.0

PROGRAMS: Final = ("ip", "tc", "nft", "unshare", "nsenter")

# Each end drops what arrives. What leaves is not touched, since the sender would notice that.
CUT: Final = """
table inet cut {
    chain input {
        type filter hook input priority 0; policy drop;
    }
}
"""
CUT_IPV6: Final = """
table inet cut {
    chain input {
        type filter hook input priority 0; policy accept;
        meta nfproto ipv6 meta l4proto tcp drop
    }
}
"""

PROBE: Final = """
set -e
ip link add wire type veth peer name far
ip link set wire up
ip address add 2001:db8::1/64 dev wire nodad
tc qdisc add dev wire root tbf rate 8mbit burst 32kb latency 200ms
nft add table inet cut
"""


def objection() -> str:
    """Return why this machine cannot run the scenes; empty if it can."""
    if os.geteuid() != 0:
        return "this needs root"
    for program in PROGRAMS:
        if shutil.which(program) is None:
            return f"this needs the program {program} (Debian: iproute2, nftables, util-linux)"
    probe = subprocess.run(
        ["unshare", "--net", "sh", "-c", PROBE], capture_output=True, text=True, check=False
    )
    return f"no network namespaces here: {probe.stderr.strip()}" if probe.returncode else ""


def _run(end: tuple[str, ...], command: str, text: str | None = None) -> None:
    """Run a command at one end of the link, with `text` as its input."""
    words = [*end, *command.split()]
    done = subprocess.run(words, input=text, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(words)}: {done.stderr.strip()}")


def _wait_for_route(end: tuple[str, ...], address: str) -> None:
    """Wait until the kernel has seen that the link is up: only then IPv6 has a route."""
    give_up = time.monotonic() + ROUTE_SECONDS
    while True:
        try:
            _run(end, f"ip route get {address}")
        except RuntimeError:
            if time.monotonic() > give_up:
                raise
            time.sleep(0.01)
        else:
            return


class Link:
    """The link from this process's namespace to that of the server."""

    def __init__(self, server: int) -> None:
        """Connect the two namespaces.

        Args:
            server: the process that is in the server's namespace.
        """
        # How a command begins that is to run at this end.
        self._ours: tuple[str, ...] = ()
        self._theirs: tuple[str, ...] = ("nsenter", f"--net=/proc/{server}/ns/net")
        _run(self._ours, f"ip link add wire type veth peer name wire netns {server}")
        for end, ipv4, ipv6 in (
            (self._ours, CLIENT_IPV4, CLIENT_IPV6),
            (self._theirs, SERVER_IPV4, SERVER_IPV6),
        ):
            _run(end, "ip link set lo up")
            _run(end, f"ip address add {ipv4}/24 dev wire")
            _run(end, f"ip address add {ipv6}/64 dev wire nodad")
            _run(end, "ip link set wire up")
        _wait_for_route(self._ours, SERVER_IPV6)
        _wait_for_route(self._theirs, CLIENT_IPV6)

    async def cut(self, rules: str = CUT) -> None:
        """Drop everything that arrives at either end, without a word to the sender."""
        for end in (self._ours, self._theirs):
            await asyncio.to_thread(_run, end, "nft -f -", rules)

    async def heal(self) -> None:
        """Undo `cut`."""
        for end in (self._ours, self._theirs):
            await asyncio.to_thread(_run, end, "nft delete table inet cut")

    async def slow_down(self, *, uplink: str = "", downlink: str = "") -> None:
        """Limit the rate of what leaves each end, for example to "8mbit"; not if it is empty."""
        for end, rate in ((self._ours, uplink), (self._theirs, downlink)):
            if rate:
                limit = f"tc qdisc add dev wire root tbf rate {rate} burst 32kb latency 200ms"
                await asyncio.to_thread(_run, end, limit)

    async def remove_address(self) -> None:
        """Take this end's IPv4 address away."""
        await asyncio.to_thread(_run, self._ours, f"ip address del {CLIENT_IPV4}/24 dev wire")

    async def add_other_address(self) -> None:
        """Give this end another IPv4 address."""
        command = f"ip address add {OTHER_CLIENT_IPV4}/24 dev wire"
        await asyncio.to_thread(_run, self._ours, command)
