"""TLS settings: the context to use, the name to verify, and the pinned certificate.

Does not open connections.
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
from .tls_failure import Place, server_context

FINGERPRINT_BYTES = 32


@functools.cache
def _default_context() -> tls.SSLContext:
    """Return the verifying context, made once: reading the CA certificates takes milliseconds."""
    return tls.create_default_context()


@functools.cache
def _unverified_context() -> tls.SSLContext:
    """Return the context that accepts any certificate; it needs no CA certificates."""
    context = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = tls.CERT_NONE
    return context


class Wanted(NamedTuple):
    """The settings of one TLS layer.

    Attributes:
        context: the context to use.
        server_hostname: the name to ask for and to verify.
        fingerprint: the SHA-256 fingerprint that the server's certificate must have; `None` for
            any certificate.
        place: where TLS is started, for errors.
    """

    context: tls.SSLContext
    server_hostname: str
    fingerprint: bytes | None
    place: Place


def wanted_tls(url: URL, route: Route) -> Wanted | None:
    """Return the TLS settings for the server, or `None` for a plain connection.

    Raises:
        TypeError: an option of the route is of the wrong type.
        ValueError: the fingerprint is malformed, or `ssl` or `fingerprint` is given for a URL
            without TLS, and the route does not allow it.
        InvalidTLSContext: the context is for servers.
    """
    ssl, name = route.ssl, route.server_hostname
    if ssl is not None and not isinstance(ssl, bool | tls.SSLContext):
        kind = type(ssl).__name__
        raise TypeError(f"ssl must be an ssl.SSLContext, True, False or None, not {kind}")
    if not isinstance(name, str | None):
        raise TypeError(f"server_hostname must be str or None, not {type(name).__name__}")
    fingerprint = None if route.fingerprint is None else parse_fingerprint(route.fingerprint)
    if not url.secure:
        if route.is_tls_optional:
            return None
        for given, value in (("ssl", ssl), ("fingerprint", fingerprint)):
            if value is not None:
                raise ValueError(f"{given} is given, but the scheme of the URL is ws or http")
        return None
    if not isinstance(ssl, tls.SSLContext):
        ssl = _unverified_context() if ssl is False else _default_context()
    # A zone has a meaning on this machine only (RFC 6874 section 4); no certificate contains one.
    # Nor does one contain a trailing dot, and it must not be sent (RFC 6066 section 3).
    name = name or url.host.partition("%")[0].removesuffix(".")
    return _wanted(ssl, name, fingerprint, Place(url.host, url.port))


def wanted_proxy_tls(proxy: Proxy | None, route: Route) -> Wanted | None:
    """Return the TLS settings for the proxy, or `None` without a proxy or without TLS to it.

    Raises:
        TypeError: `route.proxy_ssl` is neither an `ssl.SSLContext` nor `None`.
        ValueError: it is given, but the proxy is not https and does not come from the environment.
        InvalidTLSContext: the context is for servers.
    """
    given = route.proxy_ssl
    if given is not None and not isinstance(given, tls.SSLContext):
        raise TypeError(f"proxy_ssl must be an ssl.SSLContext or None, not {type(given).__name__}")
    if proxy is not None and proxy.scheme == "https":
        name = proxy.host.partition("%")[0].removesuffix(".")
        return _wanted(given or _default_context(), name, None, Place(proxy.host, proxy.port, True))
    # The caller need not know which proxy the environment names.
    if given is not None and route.proxy is not True:
        raise ValueError("proxy_ssl is given, but the scheme of the proxy is not https")
    return None


def _wanted(context: tls.SSLContext, name: str, fingerprint: bytes | None, place: Place) -> Wanted:
    # The transports differ: one of them would wait until `open_timeout`.
    if context.protocol is tls.PROTOCOL_TLS_SERVER:
        raise server_context(place)
    return Wanted(context, name, fingerprint, place)


def is_stock(context: tls.SSLContext) -> bool:
    """Return whether the context overrides nothing, so that OpenSSL can be called directly."""
    # Not `type(context) is ssl.SSLContext`: `truststore.inject_into_ssl` replaces that name.
    return type(context).__module__ == "ssl"


def warn_unverified(ssl: object, fingerprint: object, *, stacklevel: int) -> None:
    """Warn if neither the certificate nor its fingerprint is verified."""
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
        TypeError: it is neither `bytes` nor `str`.
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
        CertificateMismatch: the fingerprints differ.
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
