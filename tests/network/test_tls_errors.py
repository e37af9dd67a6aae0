"""Why TLS could not be started: on every transport the same error, in words, at once.

The servers do their part of TLS themselves, so that they send alerts as real servers do.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import ssl
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import trustme
from ends import nothing_left
from rawserver import Handler, RawConnection, raw_server
from tlsserver import shaking_hands

import wirespeed
from wirespeed import CertificateError, InvalidTLSContext, TLSError

pytestmark = pytest.mark.usefixtures("transports", "silence")

TLS_1_2, TLS_1_3 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
DAY = dt.timedelta(days=1)


def server_context(leaf: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    leaf.configure_cert(context)
    return context


def client_context(ca: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    ca.configure_trust(context)
    return context


def only(context: ssl.SSLContext, version: ssl.TLSVersion) -> ssl.SSLContext:
    context.minimum_version = context.maximum_version = version
    return context


def demanding(ca: trustme.CA, version: ssl.TLSVersion) -> ssl.SSLContext:
    """Return a server's context that demands a certificate of `ca` from the client."""
    context = server_context(ca.issue_cert("127.0.0.1"))
    context.verify_mode = ssl.CERT_REQUIRED
    ca.configure_trust(context)
    return only(context, version)


def of_another_authority(context: ssl.SSLContext) -> ssl.SSLContext:
    trustme.CA().issue_cert("client.example").configure_cert(context)
    return context


def expired(ca: trustme.CA) -> trustme.LeafCert:
    now = dt.datetime.now(dt.UTC)
    return ca.issue_cert("127.0.0.1", not_before=now - 2 * DAY, not_after=now - DAY)


def not_yet_valid(ca: trustme.CA) -> trustme.LeafCert:
    now = dt.datetime.now(dt.UTC)
    return ca.issue_cert("127.0.0.1", not_before=now + DAY, not_after=now + 2 * DAY)


async def answer_without_tls(connection: RawConnection) -> None:
    await connection.reader.read(1)
    await connection.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    await connection.read_rest()


async def close(connection: RawConnection) -> None:
    """End the stream after the first byte of the client."""
    await connection.reader.read(1)


async def reset(connection: RawConnection) -> None:
    await connection.reader.read(1)
    connection.reset()


@dataclass(frozen=True)
class Case:
    """A failure of TLS.

    Attributes:
        server: makes the server's part.
        client: makes the client's context.
        kind: the type of the error.
        problem: what the error must say.
        advice: a part of what it must suggest.
        old: the class of the standard library that such an error has always had.
    """

    server: Callable[[trustme.CA], Handler]
    client: Callable[[trustme.CA], ssl.SSLContext]
    problem: str
    advice: str
    kind: type[TLSError] = TLSError
    old: type[OSError] = ssl.SSLError


def tls(make: Callable[[trustme.CA], ssl.SSLContext]) -> Callable[[trustme.CA], Handler]:
    return lambda ca: shaking_hands(make(ca))


CASES = {
    "a plain port": Case(
        lambda _: answer_without_tls,
        client_context,
        "the server answered, but not with TLS",
        "try ws:// instead of wss://",
    ),
    "an expired certificate": Case(
        tls(lambda ca: server_context(expired(ca))),
        client_context,
        "certificate verify failed: certificate has expired",
        "check this machine's clock",
        CertificateError,
        ssl.SSLCertVerificationError,
    ),
    "a certificate of tomorrow": Case(
        tls(lambda ca: server_context(not_yet_valid(ca))),
        client_context,
        "certificate verify failed: certificate is not yet valid",
        "check this machine's clock",
        CertificateError,
        ssl.SSLCertVerificationError,
    ),
    "another host": Case(
        tls(lambda ca: server_context(ca.issue_cert("other.example"))),
        client_context,
        "certificate verify failed: IP address mismatch, certificate is not valid for '127.0.0.1'",
        "server_hostname=",
        CertificateError,
        ssl.SSLCertVerificationError,
    ),
    "an unknown authority": Case(
        tls(lambda _: server_context(trustme.CA().issue_cert("127.0.0.1"))),
        client_context,
        "certificate verify failed: unable to get local issuer certificate",
        "load_verify_locations",
        CertificateError,
        ssl.SSLCertVerificationError,
    ),
    "a certificate demanded, TLS 1.2": Case(
        tls(lambda ca: demanding(ca, TLS_1_2)),
        client_context,
        "the server refused the handshake",
        "it may demand a client certificate",
    ),
    "a certificate demanded, TLS 1.3": Case(
        tls(lambda ca: demanding(ca, TLS_1_3)),
        client_context,
        "the server demands a client certificate",
        "load_cert_chain",
    ),
    "a certificate refused, TLS 1.2": Case(
        tls(lambda ca: demanding(ca, TLS_1_2)),
        lambda ca: of_another_authority(client_context(ca)),
        "the server does not know the CA of the client's certificate",
        "load_cert_chain",
    ),
    "a certificate refused, TLS 1.3": Case(
        tls(lambda ca: demanding(ca, TLS_1_3)),
        lambda ca: of_another_authority(client_context(ca)),
        "the server does not know the CA of the client's certificate",
        "load_cert_chain",
    ),
    "an old server": Case(
        tls(lambda ca: only(server_context(ca.issue_cert("127.0.0.1")), TLS_1_2)),
        lambda ca: only(client_context(ca), TLS_1_3),
        "client and server have no version of TLS in common",
        "minimum_version",
    ),
    "an old client": Case(
        tls(lambda ca: only(server_context(ca.issue_cert("127.0.0.1")), TLS_1_3)),
        lambda ca: only(client_context(ca), TLS_1_2),
        "client and server have no version of TLS in common",
        "minimum_version",
    ),
    "the end of the stream": Case(
        lambda _: close,
        client_context,
        "the peer closed the connection before the end of the TLS handshake",
        "ws:// instead of wss://",
        old=ConnectionError,
    ),
    "a reset": Case(
        lambda _: reset,
        client_context,
        "the peer closed the connection before the end of the TLS handshake",
        "ws:// instead of wss://",
        old=ConnectionError,
    ),
}
EACH = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


def check(error: TLSError, case: Case, port: int) -> None:
    assert type(error) is case.kind
    assert isinstance(error, case.old)
    assert isinstance(error, wirespeed.HandshakeError)
    assert error.problem == case.problem
    assert case.advice in error.advice
    assert (error.host, error.port) == ("127.0.0.1", port)
    assert str(error) == f"TLS with 127.0.0.1:{port} failed: {error.problem}; {error.advice}"
    assert case.problem in repr(error).replace("\\'", "'")


def port_of(url: str) -> int:
    return int(url.rpartition(":")[2].rstrip("/"))


@EACH
async def test_each_failure(case: Case, ca: trustme.CA) -> None:
    async with raw_server(case.server(ca)) as url, nothing_left():
        with pytest.raises(TLSError) as caught:
            await wirespeed.connect(url.replace("ws:", "wss:"), ssl=case.client(ca))
    check(caught.value, case, port_of(url))


@contextlib.asynccontextmanager
async def relaying(port: int, server_ssl: ssl.SSLContext | None) -> Any:
    """Start an HTTP proxy that relays to a port, and yield its URL."""

    async def relay(connection: RawConnection) -> None:
        await connection.read_upgrade()
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        await connection.write(b"HTTP/1.1 200 OK\r\n\r\n")

        async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
            with contextlib.suppress(ConnectionError):
                while data := await source.read(65536):
                    sink.write(data)
                    await sink.drain()

        pumps = [
            asyncio.create_task(pump(connection.reader, writer)),
            asyncio.create_task(pump(reader, connection.writer)),
        ]
        await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        for writing in (connection.writer, writer):
            writing.close()
        await asyncio.wait(pumps)
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()

    async with raw_server(relay, ssl=server_ssl) as url:
        yield url.replace("ws", "http", 1)


@EACH
@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_each_failure_through_a_proxy(
    scheme: str,
    case: Case,
    ca: trustme.CA,
    server_ssl: ssl.SSLContext,
    client_ssl: ssl.SSLContext,
) -> None:
    proxy_ssl = (server_ssl, client_ssl) if scheme == "https" else (None, None)
    async with (
        raw_server(case.server(ca)) as url,
        relaying(port_of(url), proxy_ssl[0]) as proxy,
        nothing_left(),
    ):
        with pytest.raises(TLSError) as caught:
            await wirespeed.connect(
                url.replace("ws:", "wss:"),
                ssl=case.client(ca),
                proxy=proxy,
                proxy_ssl=proxy_ssl[1],
            )
    check(caught.value, case, port_of(url))


@EACH
async def test_each_failure_of_the_proxy(case: Case, ca: trustme.CA) -> None:
    async with raw_server(case.server(ca)) as url, nothing_left():
        with pytest.raises(wirespeed.ProxyError) as caught:
            await wirespeed.connect(
                "ws://server.example/",
                proxy=url.replace("ws:", "https:"),
                proxy_ssl=case.client(ca),
            )
    assert case.problem in str(caught.value)
    assert isinstance(caught.value.__cause__, case.kind)
    assert " ssl=" not in str(caught.value)


@pytest.mark.parametrize("by_proxy", [False, True])
async def test_a_context_for_servers(by_proxy: bool, server_ssl: ssl.SSLContext) -> None:
    options: dict[str, Any] = {"ssl": server_ssl}
    if by_proxy:
        options = {"proxy": "https://127.0.0.1:9/", "proxy_ssl": server_ssl}
    with pytest.raises(InvalidTLSContext, match="is for servers; make one for clients") as caught:
        await wirespeed.connect("wss://127.0.0.1:9/", **options)
    assert isinstance(caught.value, ssl.SSLError)
    assert not wirespeed.should_retry(caught.value)


async def test_a_context_without_a_version(ca: trustme.CA) -> None:
    context = client_context(ca)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.maximum_version = ssl.TLSVersion.TLSv1
        context.minimum_version = TLS_1_3
    async with raw_server(close, connections=0) as url, nothing_left():
        with pytest.raises(InvalidTLSContext, match="the context allows no version of TLS"):
            await wirespeed.connect(url.replace("ws:", "wss:"), ssl=context)


def test_what_is_worth_a_retry() -> None:
    assert wirespeed.should_retry(TLSError("closed"))
    assert not wirespeed.should_retry(CertificateError("expired"))
