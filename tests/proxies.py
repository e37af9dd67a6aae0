"""Real proxies, of the package `tiny-proxy`, in a process of their own.

Must not know of the client under test. Run as a program this is that process: it prints its
ports, and notes in a file which hosts the clients asked for.
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
    """The running proxies, each of them once without and once with a password.

    Attributes:
        ports: where each listens: by http, https, socks4 or socks5, with a "+" if it wants the
            user name and password.
        log: the file with the notes.
    """

    ports: dict[str, int]
    log: Path

    def url(self, scheme: str, userinfo: str | None = None) -> str:
        """Return the URL of a proxy; with `userinfo` of one that wants a password."""
        kind = scheme.removesuffix("a").removesuffix("h")
        if userinfo is None:
            return f"{scheme}://127.0.0.1:{self.ports[kind]}"
        return f"{scheme}://{userinfo}@127.0.0.1:{self.ports[f'{kind}+']}"

    def asked(self) -> list[str]:
        """Return the hosts that the proxies were asked to connect to."""
        return [ast.literal_eval(line)[0] for line in self.log.read_text().splitlines()]

    def forget(self) -> None:
        """Empty the notes."""
        self.log.write_text("")


@contextlib.contextmanager
def running_proxies(ca: trustme.CA, directory: Path) -> Iterator[Proxies]:
    """Run the proxies while the block runs; `directory` is for their files."""
    pem, log = directory / "proxy.pem", directory / "asked"
    ca.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(pem)
    log.touch()
    command = [sys.executable, "-W", "ignore", __file__, str(pem), str(log)]
    pipe = subprocess.PIPE
    # What the proxies complain of is what the tests do to them.
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield Proxies(json.loads(process.stdout.readline()), log)
        finally:
            # It ends with its input.
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
        """Notes what follows the arrow in "CONNECT (own address) -> (host, port)"."""

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
