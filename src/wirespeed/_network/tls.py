"""TLS: which context to use, which name to verify, and the pinned certificate.

Must not know how a connection comes about.
"""

from __future__ import annotations

import asyncio
import functools
import hashlib
import ssl as tls
import string
import warnings
from typing import NamedTuple

from .._handshake.url import URL
from ..exceptions import CertificateMismatch
from .proxy_url import Proxy
from .route import Route

FINGERPRINT_BYTES = 32


@functools.cache
def _default_context() -> tls.SSLContext:
    """Make the verifying context once: reading the CA certificates takes milliseconds."""
    return tls.create_default_context()


@functools.cache
def _unverified_context() -> tls.SSLContext:
    """Make the context that accepts any certificate; it needs no CA certificates."""
    context = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = tls.CERT_NONE
    return context


class Wanted(NamedTuple):
    """What TLS must be like.

    Attributes:
        context: the context to use.
        server_hostname: the name to ask for and to verify.
        fingerprint: of the certificate that the server must have; `None` for any.
    """

    context: tls.SSLContext
    server_hostname: str
    fingerprint: bytes | None


def wanted_tls(url: URL, route: Route) -> Wanted | None:
    """Return what is asked of TLS, `None` for a plain connection.

    Raises:
        TypeError: a part of the route is of the wrong type.
        ValueError: the fingerprint is malformed, or TLS is spoken of for a URL without it.
    """
    ssl, name = route.ssl, route.server_hostname
    if ssl is not None and not isinstance(ssl, bool | tls.SSLContext):
        kind = type(ssl).__name__
        raise TypeError(f"ssl must be an ssl.SSLContext, True, False or None, not {kind}")
    if not isinstance(name, str | None):
        raise TypeError(f"server_hostname must be str or None, not {type(name).__name__}")
    fingerprint = None if route.fingerprint is None else parse_fingerprint(route.fingerprint)
    if not url.secure:
        for given, value in (("ssl", ssl), ("fingerprint", fingerprint)):
            if value is not None:
                raise ValueError(f"{given} is given, but the scheme of the URL is ws or http")
        return None
    if not isinstance(ssl, tls.SSLContext):
        ssl = _unverified_context() if ssl is False else _default_context()
    # A zone has a meaning on this machine only (RFC 6874 section 4), and is in no certificate.
    return Wanted(ssl, name or url.host.partition("%")[0], fingerprint)


def wanted_proxy_tls(proxy: Proxy | None, route: Route) -> Wanted | None:
    """Return what is asked of TLS with the proxy, `None` for a plain connection to it or for none.

    Raises:
        TypeError: `route.proxy_ssl` is neither an `ssl.SSLContext` nor `None`.
        ValueError: it is given, but cannot be needed.
    """
    given = route.proxy_ssl
    if given is not None and not isinstance(given, tls.SSLContext):
        raise TypeError(f"proxy_ssl must be an ssl.SSLContext or None, not {type(given).__name__}")
    if proxy is not None and proxy.scheme == "https":
        return Wanted(given or _default_context(), proxy.host.partition("%")[0], None)
    # What the environment says is not the caller's to know.
    if given is not None and route.proxy is not True:
        raise ValueError("proxy_ssl is given, but the scheme of the proxy is not https")
    return None


def is_stock(context: tls.SSLContext) -> bool:
    """Tell whether nothing is overridden, so that OpenSSL can be called past the context."""
    # Not `type(context) is ssl.SSLContext`: `truststore.inject_into_ssl` replaces that name.
    return type(context).__module__ == "ssl"


def warn_unverified(ssl: object, fingerprint: object, *, stacklevel: int) -> None:
    """Warn of a connection whose server could be anybody."""
    if ssl is False and fingerprint is None:
        warnings.warn(
            "ssl=False verifies neither the certificate nor the name of the host: anybody"
            " between here and there can read and change what is sent; give the certificate's"
            " fingerprint, or a context that trusts it",
            RuntimeWarning,
            stacklevel=stacklevel + 1,
        )


def parse_fingerprint(fingerprint: bytes | str) -> bytes:
    """Return the bytes of a SHA-256 fingerprint.

    Args:
        fingerprint: 32 bytes, or as many pairs of hexadecimal digits, colons between them or not.

    Raises:
        TypeError: it is neither.
        ValueError: it is malformed.
    """
    if not isinstance(fingerprint, bytes | str):
        kind = type(fingerprint).__name__
        raise TypeError(f"fingerprint must be bytes, str or None, not {kind}")
    if isinstance(fingerprint, str):
        digits = fingerprint.replace(":", "")
        if not set(digits) <= set(string.hexdigits) or len(digits) % 2:
            raise ValueError("fingerprint is not made of pairs of hexadecimal digits")
        fingerprint = bytes.fromhex(digits)
    if len(fingerprint) != FINGERPRINT_BYTES:
        raise ValueError(
            f"fingerprint is {len(fingerprint)} bytes,"
            f" {FINGERPRINT_BYTES} are needed for one of SHA-256"
        )
    return fingerprint


def check_certificate(transport: asyncio.BaseTransport, fingerprint: bytes) -> None:
    """Compare the server's certificate with the pinned fingerprint.

    Raises:
        CertificateMismatch: it is another certificate.
    """
    certificate = transport.get_extra_info("ssl_object").getpeercert(True)
    received = hashlib.sha256(certificate or b"").digest()
    if received != fingerprint:
        raise _mismatch(_in_hex(fingerprint), _in_hex(received))


def _mismatch(expected: str, received: str) -> CertificateMismatch:
    return CertificateMismatch(
        f"certificate of the server has the sha-256 fingerprint {received}, {expected} is pinned",
        expected=expected,
        received=received,
    )


def _in_hex(fingerprint: bytes) -> str:
    return fingerprint.hex(":").upper()
