"""The TLS certificate of `wirespeed demo` and its key, which is NOT secret: every copy has it.

The certificate protects nothing, and is not a weakness either: only the contexts of
`client_context` trust it, for `localhost` and 127.0.0.1. The standard library can use a
certificate, but cannot make one. So that no other tool is needed, this one is never renewed: it is
valid until the end of the year 9999.
"""

from __future__ import annotations

import ssl
import tempfile
from pathlib import Path
from typing import Final

CERTIFICATE: Final = """\
-----BEGIN CERTIFICATE-----
MIIBwzCCAWqgAwIBAgIUMJUNFYvnzr59JLvXKHKn/BwxgXcwCgYIKoZIzj0EAwIw
JTEjMCEGA1UEAwwad2lyZXNwZWVkIGRlbW8sIG5vdCBzZWNyZXQwIBcNMDAwMTAx
MDAwMDAwWhgPOTk5OTEyMzEyMzU5NTlaMCUxIzAhBgNVBAMMGndpcmVzcGVlZCBk
ZW1vLCBub3Qgc2VjcmV0MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE1lpmqb7L
as2G9fr8yS8YVNincgJFfdzj5uCOU3BP6zK/GgNoMviiappF5eKwxnsqzrKKvZwS
AbE4mwJjIS5a4qN2MHQwEgYDVR0TAQH/BAgwBgEB/wIBADAOBgNVHQ8BAf8EBAMC
AoQwEwYDVR0lBAwwCgYIKwYBBQUHAwEwHQYDVR0OBBYEFCKxlHC0m7WatSMcDBU+
RhB7tnCYMBoGA1UdEQQTMBGCCWxvY2FsaG9zdIcEfwAAATAKBggqhkjOPQQDAgNH
ADBEAiByFrNCrAvrpXbzChef11KDWZcaqisEPPPIC7A6PVDNQgIgCgdV3yY4EVHa
81Z9AhEjWtm+qRhVLmj1GiV5/48J/OA=
-----END CERTIFICATE-----
"""

NOT_SECRET_KEY: Final = """\
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgC6Bf6MOjgiJWw6qb
AG1LE0TZluZfcaBGmrLaEFT8TMihRANCAATWWmapvstqzYb1+vzJLxhU2KdyAkV9
3OPm4I5TcE/rMr8aA2gy+KJqmkXl4rDGeyrOsoq9nBIBsTibAmMhLlri
-----END PRIVATE KEY-----
"""  # noqa: S105


def server_context() -> ssl.SSLContext:
    """Make the context of the demo's feed server."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    # `load_cert_chain` reads only files.
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory, "demo.pem")
        file.write_text(NOT_SECRET_KEY + CERTIFICATE)
        context.load_cert_chain(file)
    return context


def client_context() -> ssl.SSLContext:
    """Make a context that trusts only this certificate, and verifies the name."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=CERTIFICATE)
    return context
