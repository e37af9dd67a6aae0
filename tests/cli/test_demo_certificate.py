"""The demo's certificate: trusted only by the demo's client, and only for this machine."""

from __future__ import annotations

import ssl

import pytest

from wirespeed._cli.demo.certificate import client_context, server_context


def shake_hands(context: ssl.SSLContext, name: str) -> str | None:
    """Let a client with this context connect to the demo's server; return the TLS version."""
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = context.wrap_bio(to_client, to_server, server_hostname=name)
    server = server_context().wrap_bio(to_server, to_client, server_side=True)
    while not (done(client) & done(server)):
        pass
    return client.version()


def done(side: ssl.SSLObject) -> bool:
    try:
        side.do_handshake()
    except ssl.SSLWantReadError:
        return False
    return True


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"])
def test_it_is_good_for_this_machine(name: str) -> None:
    assert shake_hands(client_context(), name) == "TLSv1.3"


@pytest.mark.parametrize("name", ["127.0.0.2", "example.com"])
def test_it_is_good_for_no_other_name(name: str) -> None:
    with pytest.raises(ssl.SSLCertVerificationError, match="mismatch"):
        shake_hands(client_context(), name)


def test_nobody_else_trusts_it() -> None:
    with pytest.raises(ssl.SSLCertVerificationError, match="self-signed certificate"):
        shake_hands(ssl.create_default_context(), "127.0.0.1")


def test_the_demo_trusts_nothing_else() -> None:
    context = client_context()
    assert len(context.get_ca_certs()) == 1
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
