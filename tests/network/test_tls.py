"""TLS: which servers are trusted, by which context, and that no other server is sent anything.

The tests make all trusted certificates, and use none of the system.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import socket
import ssl
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
import truststore
from ends import collect, nothing_left, text_frame
from rawserver import RawConnection, raw_server
from resolving import NAME, resolve

import wirespeed
import wirespeed._network.tls
from wirespeed import CertificateMismatch, HandshakeError
from wirespeed._handshake.opening_handshake import OpeningHandshake

pytestmark = pytest.mark.usefixtures("transports")


async def greet(connection: RawConnection) -> None:
    """Open, send one message and close."""
    await connection.accept(trailing=text_frame("hello"))
    await connection.close_politely()


async def never_called(connection: RawConnection) -> None:
    raise AssertionError("the client has completed the TLS handshake")


async def greeted(url: str, **options: Any) -> None:
    """Connect, and check that the expected server answers."""
    async with wirespeed.connect(url, **options) as connection:
        assert await collect(connection) == ["hello"]


def server_context(leaf: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    leaf.configure_cert(context)
    return context


def fingerprint_of(leaf: trustme.LeafCert) -> bytes:
    pem = leaf.cert_chain_pems[0].bytes().decode()
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).digest()


@pytest.fixture
def system_trusts_ca(
    ca: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """Make the certificate authority of the tests the only one that the system trusts."""
    path = tmp_path / "ca.pem"
    ca.cert_pem.write_to_path(str(path))
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    wirespeed._network.tls._default_context.cache_clear()
    yield
    wirespeed._network.tls._default_context.cache_clear()


# -- verification ------------------------------------------------------------------------


@pytest.mark.usefixtures("system_trusts_ca")
@pytest.mark.parametrize("options", [{}, {"ssl": None}, {"ssl": True}], ids=repr)
async def test_the_default_trusts_what_the_system_trusts(
    options: dict[str, Any], server_ssl: ssl.SSLContext
) -> None:
    async with raw_server(greet, ssl=server_ssl, connections=2) as url:
        await greeted(url, **options)
        made = wirespeed._network.tls._default_context()
        await greeted(url, **options)
        assert wirespeed._network.tls._default_context() is made


@pytest.mark.parametrize("default", [True, False], ids=["default", "given"])
async def test_an_authority_that_is_not_trusted(default: bool, client_ssl: ssl.SSLContext) -> None:
    leaf = trustme.CA().issue_cert("localhost", "127.0.0.1")
    async with raw_server(never_called, ssl=server_context(leaf), connections=0) as url:
        with pytest.raises(ssl.SSLCertVerificationError, match="local issuer"):
            await wirespeed.connect(url, ssl=None if default else client_ssl)


async def test_another_host_name(ca: trustme.CA, client_ssl: ssl.SSLContext) -> None:
    leaf = ca.issue_cert("other.example")
    async with raw_server(never_called, ssl=server_context(leaf), connections=0) as url:
        with pytest.raises(ssl.SSLCertVerificationError, match="IP address mismatch"):
            await wirespeed.connect(url, ssl=client_ssl)
        with pytest.raises(ssl.SSLCertVerificationError, match=r"(?i)hostname mismatch"):
            await wirespeed.connect(url, ssl=client_ssl, server_hostname="localhost")
    async with raw_server(greet, ssl=server_context(leaf)) as url:
        await greeted(url, ssl=client_ssl, server_hostname="other.example")


async def test_an_expired_certificate(ca: trustme.CA, client_ssl: ssl.SSLContext) -> None:
    now = dt.datetime.now(dt.UTC)
    day = dt.timedelta(days=1)
    leaf = ca.issue_cert("127.0.0.1", not_before=now - 2 * day, not_after=now - day)
    async with raw_server(never_called, ssl=server_context(leaf), connections=0) as url:
        with pytest.raises(ssl.SSLCertVerificationError, match="expired"):
            await wirespeed.connect(url, ssl=client_ssl)


async def test_client_certificates(ca: trustme.CA) -> None:
    seen: list[Any] = []

    async def note(connection: RawConnection) -> None:
        seen.append(connection.writer.get_extra_info("peercert"))
        await greet(connection)

    server = server_context(ca.issue_cert("localhost", "127.0.0.1"))
    server.verify_mode = ssl.CERT_REQUIRED
    ca.configure_trust(server)
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    ca.configure_trust(client)
    async with raw_server(note, ssl=server) as url:
        # With TLS 1.3, the server refuses only after the client's part of the handshake.
        with pytest.raises((HandshakeError, ssl.SSLError, ConnectionError)):
            await wirespeed.connect(url, ssl=client)
        ca.issue_cert("client.example").configure_cert(client)
        await greeted(url, ssl=client)
    assert ("DNS", "client.example") in seen[0]["subjectAltName"]


async def test_a_trailing_dot_is_not_sent(
    ca: trustme.CA, client_ssl: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    names: list[str | None] = []

    def note(connection: object, name: str | None, context: object) -> None:
        names.append(name)

    server = server_context(ca.issue_cert(NAME))
    server.sni_callback = note
    with socket.create_server(("127.0.0.1", 0)) as sock:
        resolve(monkeypatch, sock)
        async with raw_server(greet, ssl=server, sock=sock):
            await greeted(f"wss://{NAME}.:{sock.getsockname()[1]}/", ssl=client_ssl)
    assert names == [NAME]


# -- no verification ---------------------------------------------------------------------


async def test_no_verification_and_its_warning() -> None:
    leaf = trustme.CA().issue_cert("other.example")
    async with raw_server(greet, ssl=server_context(leaf), connections=2) as url:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("default")
            for _ in range(2):
                await greeted_without_verification(url)
    assert [warning.category for warning in caught] == [RuntimeWarning]
    assert caught[0].filename == __file__
    assert "ssl=False" in str(caught[0].message)


async def greeted_without_verification(url: str) -> None:
    connection = await wirespeed.connect(url, ssl=False)
    assert await collect(connection) == ["hello"]
    await connection.close()


async def test_no_verification_of_nothing() -> None:
    with pytest.warns(RuntimeWarning, match="ssl=False"), pytest.raises(ValueError, match="ssl is"):
        await wirespeed.connect("ws://127.0.0.1/", ssl=False)


# -- a pinned certificate ----------------------------------------------------------------


async def test_a_pinned_certificate() -> None:
    leaf = trustme.CA().issue_cert("other.example")
    fingerprint = fingerprint_of(leaf)
    forms = [fingerprint, fingerprint.hex(), fingerprint.hex(":").upper()]
    async with raw_server(greet, ssl=server_context(leaf), connections=len(forms)) as url:
        for form in forms:
            await greeted(url, ssl=False, fingerprint=form)


@pytest.fixture
def requests(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Record each request that is made: not every transport would send it after an abort."""
    made: list[bytes] = []
    request = OpeningHandshake.request

    def noting(opening: OpeningHandshake) -> bytes:
        made.append(request(opening))
        return made[-1]

    monkeypatch.setattr(OpeningHandshake, "request", noting)
    return made


@pytest.mark.parametrize("greeting", [b"", b"HTTP/1.1 101 Switching Protocols\r\n\r\n"])
@pytest.mark.parametrize("verify", [True, False])
async def test_another_certificate_is_told_nothing(
    verify: bool,
    greeting: bytes,
    ca: trustme.CA,
    client_ssl: ssl.SSLContext,
    requests: list[bytes],
) -> None:
    async def read(connection: RawConnection) -> None:
        with contextlib.suppress(ConnectionError):
            await connection.write(greeting)
        assert await connection.read_rest() == b""

    leaf, other = ca.issue_cert("127.0.0.1"), ca.issue_cert("127.0.0.1")
    # If the client gives up before the server has finished the TLS handshake, the server sees no
    # connection.
    async with raw_server(read, ssl=server_context(leaf), connections=0) as url, nothing_left():
        with pytest.raises(CertificateMismatch) as caught:
            await wirespeed.connect(
                url, ssl=client_ssl if verify else False, fingerprint=fingerprint_of(other)
            )
    assert requests == []
    error = caught.value
    assert isinstance(error, HandshakeError)
    assert error.received == fingerprint_of(leaf).hex(":").upper()
    assert error.expected == fingerprint_of(other).hex(":").upper()
    assert error.received in str(error)
    assert error.expected in str(error)


async def test_the_right_certificate_is_asked(ca: trustme.CA, requests: list[bytes]) -> None:
    leaf = ca.issue_cert("127.0.0.1")
    async with raw_server(greet, ssl=server_context(leaf)) as url:
        await greeted(url, ssl=False, fingerprint=fingerprint_of(leaf))
    assert len(requests) == 1


async def test_a_pin_does_not_replace_verification(client_ssl: ssl.SSLContext) -> None:
    leaf = trustme.CA().issue_cert("127.0.0.1")
    async with raw_server(never_called, ssl=server_context(leaf), connections=0) as url:
        with pytest.raises(ssl.SSLCertVerificationError):
            await wirespeed.connect(url, ssl=client_ssl, fingerprint=fingerprint_of(leaf))


@pytest.mark.parametrize(
    ("fingerprint", "error"),
    [
        (5, TypeError),
        (bytearray(32), TypeError),
        (b"", ValueError),
        (bytes(20), ValueError),
        (bytes(33), ValueError),
        ("", ValueError),
        ("00" * 31, ValueError),
        ("00" * 31 + "0", ValueError),
        ("0x" * 32, ValueError),
        (" 0" * 32, ValueError),
        ("é0" * 32, ValueError),
    ],
    ids=repr,
)
async def test_wrong_fingerprints(fingerprint: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="fingerprint"):
        await wirespeed.connect("wss://127.0.0.1/", fingerprint=fingerprint)


# -- contexts of other classes -----------------------------------------------------------


class Noting(ssl.SSLContext):
    """Records the names that it is used for."""

    names: list[str | None]

    def wrap_bio(self, *args: Any, **options: Any) -> ssl.SSLObject:
        self.names.append(options.get("server_hostname"))
        return super().wrap_bio(*args, **options)


async def test_a_subclass_is_really_used(ca: trustme.CA, server_ssl: ssl.SSLContext) -> None:
    context = Noting(ssl.PROTOCOL_TLS_CLIENT)
    context.names = []
    ca.configure_trust(context)
    async with raw_server(greet, ssl=server_ssl) as url:
        await greeted(url, ssl=context, server_hostname="localhost")
    assert context.names == ["localhost"]


@pytest.mark.usefixtures("system_trusts_ca")
async def test_truststore(server_ssl: ssl.SSLContext) -> None:
    context = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    async with raw_server(greet, ssl=server_ssl) as url:
        await greeted(url, ssl=context)
    leaf = trustme.CA().issue_cert("127.0.0.1")
    async with raw_server(never_called, ssl=server_context(leaf), connections=0) as url:
        with pytest.raises(ssl.SSLCertVerificationError):
            await wirespeed.connect(url, ssl=context)


@pytest.mark.usefixtures("system_trusts_ca")
async def test_truststore_in_place_of_the_standard_library(server_ssl: ssl.SSLContext) -> None:
    async with raw_server(greet, ssl=server_ssl) as url:
        truststore.inject_into_ssl()
        try:
            assert isinstance(wirespeed._network.tls._default_context(), truststore.SSLContext)
            assert not wirespeed._network.tls.is_stock(wirespeed._network.tls._default_context())
            await greeted(url)
        finally:
            truststore.extract_from_ssl()


def test_which_contexts_are_stock(client_ssl: ssl.SSLContext) -> None:
    assert wirespeed._network.tls.is_stock(client_ssl)
    assert not wirespeed._network.tls.is_stock(Noting(ssl.PROTOCOL_TLS_CLIENT))
