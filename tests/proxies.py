"""Runs real proxies of the package `tiny-proxy` in a separate process.

Run as a program, this module is that process. It prints its ports, and records in a file which
hosts the clients asked for.
"""

from __future__ import annotations

import ast
import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import trustme

USER: Final = "user"
PASSWORD: Final = "hunter2"


@dataclass(frozen=True)
class Proxies:
    """The running proxies: of each kind, one without and one with a password.

    Attributes:
        ports: the port of each, under http, https, socks4 or socks5, with a "+" if the
            proxy wants the user name and password.
        log: the file that records the hosts.
    """

    ports: dict[str, int]
    log: Path

    def url(self, scheme: str, userinfo: str | None = None) -> str:
        """Return the URL of a proxy. If `userinfo` is given, it is one that wants a password."""
        kind = scheme.removesuffix("a").removesuffix("h")
        if userinfo is None:
            return f"{scheme}://127.0.0.1:{self.ports[kind]}"
        return f"{scheme}://{userinfo}@127.0.0.1:{self.ports[f'{kind}+']}"

    def asked(self) -> list[str]:
        """Return the hosts that the clients asked the proxies to connect to."""
        return [ast.literal_eval(line)[0] for line in self.log.read_text().splitlines()]

    def forget(self) -> None:
        """Empty the record of hosts."""
        self.log.write_text("")


@contextlib.contextmanager
def running_proxies(ca: trustme.CA, directory: Path) -> Iterator[Proxies]:
    """Run the proxies for the duration of the block; `directory` is for their files."""
    pem, log = directory / "proxy.pem", directory / "asked"
    ca.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(pem)
    log.touch()
    command = [sys.executable, "-W", "ignore", __file__, str(pem), str(log)]
    pipe = subprocess.PIPE
    # The proxies complain about what the tests do to them on purpose.
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield Proxies(json.loads(process.stdout.readline()), log)
        finally:
            # The process ends when its input does.
            process.stdin.close()


def main(pem: str, log: str) -> None:
    """Serve until the input ends."""
    import functools
    import logging
    import os
    import ssl
    import threading

    import anyio
    from anyio.streams.tls import TLSListener
    from tiny_proxy import HttpProxyHandler, Socks4ProxyHandler, Socks5ProxyHandler

    class Note(logging.Handler):
        """Records what follows the arrow in "CONNECT (own address) -> (host, port)"."""

        def emit(self, record: logging.LogRecord) -> None:
            _, arrow, asked = record.getMessage().partition(" -> ")
            if arrow:
                with open(log, "a", encoding="utf-8") as file:
                    file.write(f"{asked}\n")

    logger = logging.getLogger("tiny_proxy")
    logger.setLevel(logging.INFO)
    logger.propagate = False
    logger.addHandler(Note())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    handlers = {
        "http": HttpProxyHandler(),
        "http+": HttpProxyHandler(USER, PASSWORD),
        "https": HttpProxyHandler(),
        "https+": HttpProxyHandler(USER, PASSWORD),
        "socks4": Socks4ProxyHandler(),
        "socks4+": Socks4ProxyHandler(USER),
        "socks5": Socks5ProxyHandler(),
        "socks5+": Socks5ProxyHandler(USER, PASSWORD),
    }

    async def serve() -> None:
        ports = {}
        async with anyio.create_task_group() as group:
            for name, handler in handlers.items():
                listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
                ports[name] = listener.extra(anyio.abc.SocketAttribute.local_port)
                serving = (
                    TLSListener(listener, context, standard_compatible=False)
                    if name.startswith("https")
                    else listener
                )
                group.start_soon(functools.partial(serving.serve, handler.handle))
            print(json.dumps(ports), flush=True)

    def end_with_input() -> None:
        sys.stdin.read()
        os._exit(0)

    threading.Thread(target=end_with_input, daemon=True).start()
    anyio.run(serve)


if __name__ == "__main__":
    main(*sys.argv[1:])
