"""Says in words why TLS could not be started, and what to try. Does no I/O."""

from __future__ import annotations

import re
import ssl
from typing import Final, NamedTuple, TypeVar

from ..exceptions import CertificateError, InvalidTLSContext, TLSError
from .route import shown_place

_Error = TypeVar("_Error", bound=TLSError)


class Place(NamedTuple):
    """Where TLS is started: the host, the port, and whether that is a proxy."""

    host: str
    port: int
    is_proxy: bool = False


# What OpenSSL calls the alerts by which a server refuses the client's certificate.
_REFUSED_CERTIFICATE: Final = {
    "TLSV13_ALERT_CERTIFICATE_REQUIRED": "the server demands a client certificate",
    "SSLV3_ALERT_BAD_CERTIFICATE": "the server refused the client's certificate as corrupt",
    "SSLV3_ALERT_UNSUPPORTED_CERTIFICATE": "the server does not take this kind of certificate",
    "SSLV3_ALERT_CERTIFICATE_REVOKED": "the client's certificate has been revoked",
    "SSLV3_ALERT_CERTIFICATE_EXPIRED": "the client's certificate has expired",
    "SSLV3_ALERT_CERTIFICATE_UNKNOWN": "the server refused the client's certificate",
    "TLSV1_ALERT_UNKNOWN_CA": "the server does not know the CA of the client's certificate",
    "TLSV1_ALERT_ACCESS_DENIED": "the server denies access with the client's certificate",
}
_SHOW_A_CERTIFICATE: Final = (
    "load a certificate that the server accepts into the context: load_cert_chain of ssl="
)

_OTHER_VERSION: Final = "client and server have no version of TLS in common"
_ALLOW_VERSIONS: Final = "set minimum_version and maximum_version of the context in ssl="
_NO_TLS: Final = "the server answered, but not with TLS"
_TRY_PLAIN: Final = "try ws:// instead of wss://, or the port that the server has for TLS"

# By OpenSSL's name of the fault.
_FAULTS: Final = {
    "WRONG_VERSION_NUMBER": (_NO_TLS, _TRY_PLAIN),
    "HTTP_REQUEST": (_NO_TLS, _TRY_PLAIN),
    "PACKET_LENGTH_TOO_LONG": (_NO_TLS, _TRY_PLAIN),
    "RECORD_LAYER_FAILURE": (_NO_TLS, _TRY_PLAIN),
    "TLSV1_ALERT_PROTOCOL_VERSION": (_OTHER_VERSION, _ALLOW_VERSIONS),
    "UNSUPPORTED_PROTOCOL": (_OTHER_VERSION, _ALLOW_VERSIONS),
    "WRONG_SSL_VERSION": (_OTHER_VERSION, _ALLOW_VERSIONS),
    "VERSION_TOO_LOW": (_OTHER_VERSION, _ALLOW_VERSIONS),
    "NO_PROTOCOLS_AVAILABLE": ("the context allows no version of TLS", _ALLOW_VERSIONS),
    "NO_CIPHERS_AVAILABLE": (
        "the context allows no cipher for its versions of TLS",
        "set other ciphers with set_ciphers of the context in ssl=",
    ),
    "SSLV3_ALERT_HANDSHAKE_FAILURE": (
        "the server refused the handshake",
        "it may demand a client certificate (load_cert_chain of the context in ssl=)",
    ),
    "TLSV1_UNRECOGNIZED_NAME": (
        "the server does not know the name that it was asked for",
        "pass the name that the server has as server_hostname=",
    ),
    "TLSV1_ALERT_NO_APPLICATION_PROTOCOL": (
        "the server does not speak HTTP/1.1 here",
        "remove set_alpn_protocols from the context in ssl=, or use another port",
    ),
    "NO_APPLICATION_PROTOCOL": (
        "the server does not speak HTTP/1.1 here",
        "remove set_alpn_protocols from the context in ssl=, or use another port",
    ),
    "TLSV1_ALERT_INTERNAL_ERROR": (
        "the server reports a fault of its own",
        "check the host's name and port, and the log of the server",
    ),
    "DH_KEY_TOO_SMALL": (
        "the server's key exchange is too weak",
        "update the server, or lower the security level with set_ciphers of the context in ssl=",
    ),
}

_FAULTS_OF_CONTEXT: Final = frozenset({"NO_PROTOCOLS_AVAILABLE", "NO_CIPHERS_AVAILABLE"})

# What differs if it is a proxy that TLS is started with.
_AT_PROXY: Final = (
    (", or pin the certificate with fingerprint= and ssl=False", ""),
    (", or pass one as server_hostname=", ""),
    (", or not know the name (server_hostname=)", ""),
    (" ssl=", " proxy_ssl="),
    ("ws:// instead of wss://", "http:// instead of https://"),
)

_OR_THE_CLOCK: Final = " or the system clock is incorrect"
_CLOCK: Final = "check this machine's clock, and the certificate of the server"
_TRUST: Final = (
    "trust its CA with load_verify_locations of the context in ssl=, or pin the certificate with"
    " fingerprint= and ssl=False"
)
_NAME: Final = "connect to a name in the certificate, or pass one as server_hostname="
# By OpenSSL's number of a fault of the server's certificate.
_CERTIFICATE_ADVICE: Final = {
    9: _CLOCK,
    10: _CLOCK,
    18: _TRUST,
    19: _TRUST,
    20: _TRUST,
    21: _TRUST,
    62: _NAME,
    64: _NAME,
}

# The errors by which the transports report the end of the stream.
_ENDS: Final = (
    ConnectionResetError,
    BrokenPipeError,
    ssl.SSLEOFError,
    ssl.SSLZeroReturnError,
    ssl.SSLSyscallError,
)
_CLOSED: Final = "the peer closed the connection before the end of the TLS handshake"
_WHY_CLOSED: Final = (
    "it may speak no TLS on this port (ws:// instead of wss://), demand a client certificate"
    " (load_cert_chain of the context in ssl=), or not know the name (server_hostname=)"
)
_CHECK_SERVER: Final = "check the host's name and port, and the log of the server"


def tls_failure(exc: OSError, place: Place, name: str) -> TLSError:
    """Return the error for a TLS handshake that ended with `exc`.

    Args:
        exc: the error of the transport.
        place: where TLS was started.
        name: the name that the server was asked for.
    """
    if isinstance(exc, ssl.SSLCertVerificationError):
        return _unverified(exc, place, name)
    if isinstance(exc, _ENDS):
        return _failed(TLSError, exc, place, (_CLOSED, _WHY_CLOSED))
    if not isinstance(exc, ssl.SSLError):
        return _failed(TLSError, exc, place, (exc.strerror or str(exc), _CHECK_SERVER))
    # Newer versions of OpenSSL call these alerts so; aiofastnet hands their names on.
    name = (getattr(exc, "reason", None) or "").replace("SSL/TLS_ALERT_", "SSLV3_ALERT_")
    kind = InvalidTLSContext if name in _FAULTS_OF_CONTEXT else TLSError
    if name in _REFUSED_CERTIFICATE:
        found = _REFUSED_CERTIFICATE[name], _SHOW_A_CERTIFICATE
    else:
        found = _FAULTS.get(name) or (_words(exc, name), _CHECK_SERVER)
    return _failed(kind, exc, place, found)


def server_context(place: Place) -> InvalidTLSContext:
    """Return the error for a context that is for servers."""
    fault = (
        "the context in ssl= is for servers",
        "make one for clients, with ssl.create_default_context()",
    )
    return _made(InvalidTLSContext, place, fault)


def early_data(place: Place) -> TLSError:
    """Return the error for data that came before TLS began."""
    fault = ("the peer sent data before the TLS handshake (RFC 8446 section 2)", _TRY_PLAIN)
    return _made(TLSError, place, fault)


def _unverified(exc: ssl.SSLCertVerificationError, place: Place, name: str) -> CertificateError:
    code = getattr(exc, "verify_code", 0)
    text = getattr(exc, "verify_message", "") or _words(exc, "")
    # The advice says so too; older versions of OpenSSL do not.
    problem = f"certificate verify failed: {text.rstrip('.').removesuffix(_OR_THE_CLOCK)}"
    advice = _CERTIFICATE_ADVICE.get(code) or _TRUST
    if advice is _NAME and name not in text:
        problem += f", certificate is not valid for {name!r}"
    error = _failed(CertificateError, exc, place, (problem, advice))
    error.verify_code, error.verify_message = code, text
    return error


def _words(exc: OSError, name: str) -> str:
    """Return what OpenSSL says, without its numbers and the line of its source."""
    _, is_alert, alert = name.partition("_ALERT_")
    if is_alert:
        return f"the server sent the alert {alert.replace('_', ' ').lower()!r}"
    text = re.sub(r"^\[[^]]*\] ?| ?\(_ssl\.c:\d+\)$", "", str(exc))
    return name.replace("_", " ").lower() or text or "TLS gives no reason"


def _at_proxy(text: str) -> str:
    for own, other in _AT_PROXY:
        text = text.replace(own, other)
    return text


def _failed(kind: type[_Error], exc: OSError, place: Place, fault: tuple[str, str]) -> _Error:
    error = _made(kind, place, fault)
    error.errno = exc.errno
    error.reason = getattr(exc, "reason", None) or ""
    error.library = getattr(exc, "library", None) or ""
    error.__cause__ = exc
    return error


def _made(kind: type[_Error], place: Place, fault: tuple[str, str]) -> _Error:
    host, port, is_proxy = place
    problem, advice = map(_at_proxy, fault) if is_proxy else fault
    text = f"TLS with {shown_place(host, port)} failed: {problem}; {advice}"
    return kind(text, host=host, port=port, problem=problem, advice=advice)
