"""Runs nginx in front of a test server, on a unix socket, with TLS."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import trustme

# nginx is often in `sbin`, which is not on every user's path.
NGINX: Final = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")

_CONFIGURATION: Final = """\
pid {directory}/pid;
error_log {directory}/error.log;
worker_processes 1;
events {{}}
http {{
    access_log off;
    client_body_temp_path {directory}/body;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;
    server {{
        listen unix:{directory}/front ssl;
        ssl_certificate {directory}/chain.pem;
        ssl_certificate_key {directory}/key.pem;
        absolute_redirect off;
        proxy_http_version 1.1;
        proxy_set_header Host $http_host;
        proxy_set_header Upgrade $http_upgrade;
        proxy_set_header Connection "upgrade";
        location / {{ proxy_pass {behind}; }}
        location /impatient {{ proxy_pass {behind}; proxy_read_timeout 50ms; }}
        location /nowhere {{ proxy_pass http://unix:{directory}/nobody; }}
        location /moved {{ return 301 /; }}
        location /forbidden {{ return 403 "members only"; }}
        location /busy {{ add_header Retry-After 7 always; return 503; }}
    }}
}}
"""


@dataclass(frozen=True)
class ReverseProxy:
    """A running nginx.

    Attributes:
        unix_path: where it listens.
        url: the URL to request; a path can be added.
    """

    unix_path: str
    url: str = "wss://localhost/"


@contextlib.contextmanager
def nginx(behind: str, ca: trustme.CA, directory: Path) -> Iterator[ReverseProxy]:
    """Start nginx in front of the http:// URL `behind`; stop it when the block ends.

    Raises:
        subprocess.CalledProcessError: nginx did not start; its output says why.
    """
    certificate = ca.issue_cert("localhost")
    certificate.private_key_pem.write_to_path(directory / "key.pem")
    for blob in certificate.cert_chain_pems:
        blob.write_to_path(directory / "chain.pem", append=True)
    configuration = directory / "nginx.conf"
    configuration.write_text(_CONFIGURATION.format(directory=directory, behind=behind))
    command = [str(NGINX), "-c", str(configuration), "-p", str(directory)]
    # nginx becomes a daemon only once it listens; then the command returns.
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, timeout=30)
    try:
        yield ReverseProxy(str(directory / "front"))
    finally:
        subprocess.run([*command, "-s", "stop"], check=True, timeout=30)
