"""Connections through real proxies of each kind, plain and with TLS.

`test_proxy_faults` tests the errors if a proxy misbehaves.
"""

from __future__ import annotations

import asyncio
import hashlib
import socket
import ssl
import sys
from collections.abc import Iterator

import pytest
import trustme
from ends import Tls, turns
from proxies import PASSWORD, USER, Proxies, running_proxies
from rawserver import RawConnection, Upgrade, raw_server
from servers import Behaviour, aiohttp_server

import wirespeed

SCHEMES = ["http", "https", "socks4", "socks4a", "socks5", "socks5h"]


class Environment:
    """The proxy variables of the environment: all unset at first."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, proxies: Proxies) -> None:
        self._monkeypatch = monkeypatch
        self.proxies = proxies
        for name in ("ws", "wss", "http", "https", "socks", "all", "no"):
            for variable in (f"{name}_proxy", f"{name}_PROXY", f"{name}_proxy".upper()):
                monkeypatch.delenv(variable, raising=False)

    def set(self, name: str, value: str) -> None:
        suffix = "_proxy" if name.islower() else "_PROXY"
        self._monkeypatch.setenv(f"{name}{suffix}", value)


@pytest.fixture(scope="module")
def all_proxies(ca: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxies]:
    with running_proxies(ca, tmp_path_factory.mktemp("proxies")) as running:
        yield running


@pytest.fixture
def proxies(all_proxies: Proxies) -> Proxies:
    """Return the running proxies, with an empty record of hosts."""
    all_proxies.forget()
    return all_proxies


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch, proxies: Proxies) -> Environment:
    return Environment(monkeypatch, proxies)


@pytest.fixture
def unused_port() -> Iterator[int]:
    """Yield a port on which nothing listens."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


def proxy_ssl(scheme: str, client_ssl: ssl.SSLContext) -> ssl.SSLContext | None:
    return client_ssl if scheme == "https" else None


@pytest.mark.usefixtures("transports")
@pytest.mark.parametrize("userinfo", [None, f"{USER}:{PASSWORD}"], ids=["open", "password"])
@pytest.mark.parametrize("scheme", SCHEMES)
async def test_messages_pass(
    scheme: str, userinfo: str | None, tls: Tls, proxies: Proxies, client_ssl: ssl.SSLContext
) -> None:
    async with (
        aiohttp_server(ssl=tls.server) as server,
        wirespeed.connect(
            server.url,
            ssl=tls.client,
            proxy=proxies.url(scheme, userinfo),
            proxy_ssl=proxy_ssl(scheme, client_ssl),
        ) as ws,
    ):
        large = "x" * 3_000_000
        await ws.send_text("hello")
        await ws.send_text(large)
        assert await ws.receive_text() == "hello"
        assert await ws.receive_text() == large
    assert ws.close_code == 1000
    assert proxies.asked() == ["127.0.0.1"]


@pytest.mark.parametrize(
    ("scheme", "asked"),
    [
        ("http", "localhost"),
        ("https", "localhost"),
        ("socks4", "127.0.0.1"),
        ("socks4a", "localhost"),
        ("socks5", "127.0.0.1"),
        ("socks5h", "localhost"),
    ],
)
async def test_who_resolves_the_name(
    scheme: str, asked: str, tls: Tls, proxies: Proxies, client_ssl: ssl.SSLContext
) -> None:
    async with aiohttp_server(ssl=tls.server) as server:
        async with wirespeed.connect(
            server.url.replace("127.0.0.1", "localhost"),
            ssl=tls.client,
            proxy=proxies.url(scheme),
            proxy_ssl=proxy_ssl(scheme, client_ssl),
        ):
            pass
        assert proxies.asked() == [asked]


@pytest.mark.parametrize("scheme", SCHEMES)
async def test_the_server_sees_nothing_of_the_proxy(
    scheme: str, proxies: Proxies, client_ssl: ssl.SSLContext
) -> None:
    seen: list[Upgrade] = []

    async def accept(connection: RawConnection) -> None:
        seen.append(await connection.accept())
        await connection.close_politely()

    async with raw_server(accept) as url:
        ws = await wirespeed.connect(
            url,
            proxy=proxies.url(scheme, f"{USER}:{PASSWORD}"),
            proxy_ssl=proxy_ssl(scheme, client_ssl),
        )
        await ws.close()
    assert seen[0].line == "GET / HTTP/1.1"
    assert not [name for name in seen[0].headers if "auth" in name or "proxy" in name]
    assert PASSWORD not in repr(seen)


@pytest.mark.loops("asyncio")
@pytest.mark.parametrize("scheme", ["http", "https", "socks5"])
async def test_the_transport_is_that_of_a_direct_connection(
    scheme: str, tls: Tls, proxies: Proxies, client_ssl: ssl.SSLContext
) -> None:
    async with aiohttp_server(ssl=tls.server) as server:
        kinds = set()
        # A plain connection over TLS to the proxy still has a TLS transport.
        direct = "wss" if scheme == "https" else "ws"
        if direct in ("ws", server.url.partition(":")[0]):
            async with wirespeed.connect(server.url, ssl=tls.client) as ws:
                kinds.add(type(ws._transport))
        async with wirespeed.connect(
            server.url,
            ssl=tls.client,
            proxy=proxies.url(scheme),
            proxy_ssl=proxy_ssl(scheme, client_ssl),
        ) as ws:
            kinds.add(type(ws._transport))
        assert len(kinds) == 1
        if scheme == "https":
            assert {kind.__module__.partition(".")[0] for kind in kinds} == {"aiofastnet"}


@pytest.mark.usefixtures("transports")
@pytest.mark.parametrize("scheme", SCHEMES)
async def test_cancelled_at_any_time(
    scheme: str, tls: Tls, proxies: Proxies, client_ssl: ssl.SSLContext
) -> None:
    """Cancel later and later, until the connection opens first. Nothing is ever left behind."""

    async def opening(url: str) -> wirespeed.WebSocketConnection:
        return await wirespeed.connect(
            url,
            ssl=tls.client,
            proxy=proxies.url(scheme, f"{USER}:{PASSWORD}"),
            proxy_ssl=proxy_ssl(scheme, client_ssl),
        )

    async with aiohttp_server(ssl=tls.server) as server:
        later = 0
        while True:
            task = asyncio.create_task(opening(server.url))
            await turns(later)
            task.cancel()
            try:
                ws = await task
            except asyncio.CancelledError:
                later += 1 + later // 8
            else:
                await ws.close()
                return


# SOCKS4 has no passwords.
@pytest.mark.parametrize(
    ("scheme", "userinfo"),
    [(scheme, f"nobody:{PASSWORD}") for scheme in SCHEMES]
    + [(scheme, f"{USER}:wrong-{PASSWORD}") for scheme in ("http", "https", "socks5", "socks5h")],
)
async def test_a_wrong_password(
    scheme: str, userinfo: str, proxies: Proxies, client_ssl: ssl.SSLContext
) -> None:
    proxy = proxies.url(scheme, userinfo)
    with pytest.raises(wirespeed.ProxyError) as caught:
        await wirespeed.connect(
            "ws://127.0.0.1:9/", proxy=proxy, proxy_ssl=proxy_ssl(scheme, client_ssl)
        )
    assert caught.value.status == (None if scheme.startswith("socks") else 401)
    assert PASSWORD not in str(caught.value)
    assert "nobody" not in str(caught.value)


@pytest.mark.parametrize("scheme", SCHEMES)
async def test_a_server_that_cannot_be_reached(
    scheme: str, proxies: Proxies, client_ssl: ssl.SSLContext, unused_port: int
) -> None:
    with pytest.raises(wirespeed.ProxyError, match="refused to connect to the server") as caught:
        await wirespeed.connect(
            f"ws://127.0.0.1:{unused_port}/",
            proxy=proxies.url(scheme),
            proxy_ssl=proxy_ssl(scheme, client_ssl),
        )
    assert caught.value.status == (None if scheme.startswith("socks") else 502)


@pytest.mark.parametrize("scheme", SCHEMES)
async def test_a_server_that_refuses_is_not_the_proxy(
    scheme: str, proxies: Proxies, client_ssl: ssl.SSLContext
) -> None:
    async with aiohttp_server(Behaviour(refuse=(403, b"no"))) as server:
        with pytest.raises(wirespeed.HandshakeError) as caught:
            await wirespeed.connect(
                server.url, proxy=proxies.url(scheme), proxy_ssl=proxy_ssl(scheme, client_ssl)
            )
    assert not isinstance(caught.value, wirespeed.ProxyError)
    assert (caught.value.status, caught.value.body) == (403, b"no")


@pytest.mark.usefixtures("transports")
@pytest.mark.parametrize("scheme", SCHEMES)
async def test_a_server_that_cannot_be_verified_is_not_the_proxy(
    scheme: str, proxies: Proxies, client_ssl: ssl.SSLContext, server_ssl: ssl.SSLContext
) -> None:
    stranger = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: None)
    async with aiohttp_server(ssl=server_ssl) as server:
        with pytest.raises(ssl.SSLCertVerificationError):
            await wirespeed.connect(
                server.url,
                ssl=stranger,
                proxy=proxies.url(scheme),
                proxy_ssl=proxy_ssl(scheme, client_ssl),
            )


@pytest.mark.usefixtures("transports")
async def test_a_proxy_that_cannot_be_verified(proxies: Proxies) -> None:
    stranger = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: None)
    with pytest.raises(
        wirespeed.ProxyError, match=r"certificate verify failed: .* in proxy_ssl=$"
    ) as caught:
        await wirespeed.connect("ws://127.0.0.1:9/", proxy=proxies.url("https"), proxy_ssl=stranger)
    assert isinstance(caught.value.__cause__, ssl.SSLCertVerificationError)


@pytest.mark.parametrize("scheme", SCHEMES)
async def test_a_proxy_that_cannot_be_reached(scheme: str, unused_port: int) -> None:
    proxy = f"{scheme}://{USER}:{PASSWORD}@127.0.0.1:{unused_port}"
    with pytest.raises(wirespeed.ProxyError, match="could not be connected to") as caught:
        await wirespeed.connect("ws://localhost:9/", proxy=proxy)
    assert isinstance(caught.value.__cause__, ConnectionRefusedError)
    assert f"{scheme}://127.0.0.1:{unused_port}" in str(caught.value)
    assert PASSWORD not in str(caught.value)


@pytest.mark.parametrize(("exempt", "asked"), [("example.com", ["localhost"]), ("localhost", [])])
@pytest.mark.parametrize("variables", [("ws", "wss"), ("HTTP", "HTTPS"), ("all", "all")])
async def test_the_environment(
    variables: tuple[str, str],
    exempt: str,
    asked: list[str],
    tls: Tls,
    environment: Environment,
) -> None:
    variable = variables[0 if tls.server is None else 1]
    environment.set(variable, environment.proxies.url("socks5h", f"{USER}:{PASSWORD}"))
    environment.set("no", exempt)
    async with aiohttp_server(ssl=tls.server) as server:
        url = server.url.replace("127.0.0.1", "localhost")
        async with wirespeed.connect(url, ssl=tls.client, proxy=True):
            pass
    assert environment.proxies.asked() == asked


async def test_no_proxy_unless_asked_for(environment: Environment) -> None:
    environment.set("all", "http://127.0.0.1:9")
    async with aiohttp_server() as server, wirespeed.connect(server.url):
        pass


async def test_a_name_that_cannot_be_resolved_here(proxies: Proxies) -> None:
    for scheme in ("socks4", "socks5"):
        with pytest.raises(socket.gaierror):
            await wirespeed.connect("ws://nobody.invalid/", proxy=proxies.url(scheme))


async def test_socks4_and_ipv6(proxies: Proxies) -> None:
    with pytest.raises(wirespeed.ProxyError, match="IPv6"):
        await wirespeed.connect("ws://[::1]:9/", proxy=proxies.url("socks4a"))


@pytest.mark.parametrize("scheme", ["http", "https", "socks5"])
async def test_the_time_it_takes(
    scheme: str, tls: Tls, proxies: Proxies, client_ssl: ssl.SSLContext
) -> None:
    async with (
        aiohttp_server(ssl=tls.server) as server,
        wirespeed.connect(
            server.url,
            ssl=tls.client,
            proxy=proxies.url(scheme),
            proxy_ssl=proxy_ssl(scheme, client_ssl),
        ) as ws,
    ):
        timings = ws.timings
        assert timings.tcp is not None
        assert timings.proxy is not None
        assert (timings.tls is None) == (tls.server is None)


@pytest.mark.usefixtures("transports")
@pytest.mark.parametrize("scheme", SCHEMES)
async def test_the_pinned_certificate_is_the_servers(
    scheme: str, proxies: Proxies, server_ssl: ssl.SSLContext, client_ssl: ssl.SSLContext
) -> None:
    async with aiohttp_server(ssl=server_ssl) as server:

        def connecting(fingerprint: str) -> wirespeed.Connecting:
            return wirespeed.connect(
                server.url,
                ssl=client_ssl,
                fingerprint=fingerprint,
                proxy=proxies.url(scheme),
                proxy_ssl=proxy_ssl(scheme, client_ssl),
            )

        with pytest.raises(wirespeed.CertificateMismatch) as caught:
            await connecting("00" * 32)
        # This is not the fingerprint of the proxy, which has another certificate.
        host, port = "127.0.0.1", int(server.url.rstrip("/").rpartition(":")[2])
        pem = await asyncio.to_thread(ssl.get_server_certificate, (host, port))
        own = hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest()
        assert caught.value.received.replace(":", "").lower() == own
        async with connecting(own):
            pass


async def test_arguments_that_exclude_each_other(client_ssl: ssl.SSLContext) -> None:
    own, other = socket.socketpair()
    with own, other, pytest.raises(ValueError, match="sock and proxy exclude each other"):
        await wirespeed.connect("ws://127.0.0.1:9/", proxy="http://127.0.0.1:9", sock=own)
    with pytest.raises(ValueError, match="unix_path and proxy exclude each other"):
        await wirespeed.connect("ws://127.0.0.1:9/", proxy="http://127.0.0.1:9", unix_path="/x")
    for proxy in (None, "http://127.0.0.1:9", "socks5://127.0.0.1:9"):
        with pytest.raises(ValueError, match="the scheme of the proxy is not https"):
            await wirespeed.connect("ws://127.0.0.1:9/", proxy=proxy, proxy_ssl=client_ssl)
    with pytest.raises(TypeError, match=r"proxy_ssl must be an ssl.SSLContext or None, not bool"):
        await wirespeed.connect(
            "ws://127.0.0.1:9/",
            proxy="https://127.0.0.1:9",
            proxy_ssl=True,  # type: ignore[arg-type]
        )


async def test_a_context_for_whatever_the_environment_says(
    proxies: Proxies, environment: Environment, client_ssl: ssl.SSLContext
) -> None:
    async with aiohttp_server() as server:
        for proxy in (proxies.url("https"), proxies.url("http"), ""):
            environment.set("ws", proxy)
            async with wirespeed.connect(server.url, proxy=True, proxy_ssl=client_ssl):
                pass
        assert len(proxies.asked()) == 2


async def test_without_the_package_for_socks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "wirespeed._network.socks", None)
    with pytest.raises(ImportError, match=r'pip install "wirespeed\[proxy\]"'):
        await wirespeed.connect("ws://127.0.0.1:9/", proxy="socks5://127.0.0.1:9")
