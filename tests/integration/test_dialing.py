"""Connecting to hosts with several addresses: the first that answers is taken.

Must not depend on how the host's name is resolved.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
from collections.abc import Iterator

import pytest
from rawserver import RawConnection, raw_server

import wirespeed
import wirespeed._tcp

Addresses = list[tuple[int, tuple[str, int]]]


@contextlib.contextmanager
def closed_port() -> Iterator[int]:
    """Give a port that nobody listens on."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


def resolve_to(monkeypatch: pytest.MonkeyPatch, addresses: Addresses) -> None:
    async def found(*_: object) -> Addresses:
        return addresses

    monkeypatch.setattr(wirespeed._tcp, "_addresses", found)


async def wait(connection: RawConnection) -> None:
    await connection.accept()
    await connection.read_rest()


async def test_a_name() -> None:
    async with raw_server(wait) as url:
        connection = await wirespeed.connect(url.replace("127.0.0.1", "localhost"))
        connection._abort()
        await connection._wait_gone()


async def test_addresses_that_refuse_are_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    async with raw_server(wait) as url:
        port = int(url.rstrip("/").rpartition(":")[2])
        with closed_port() as closed:
            addresses: Addresses = [
                (socket.AF_INET, ("127.0.0.1", closed)),
                (socket.AF_INET, ("127.0.0.1", port)),
            ]
            resolve_to(monkeypatch, addresses)
            connection = await wirespeed.connect(url)
            connection._abort()
            await connection._wait_gone()


async def test_all_refuse(monkeypatch: pytest.MonkeyPatch) -> None:
    with closed_port() as closed:
        resolve_to(monkeypatch, [(socket.AF_INET, ("127.0.0.1", closed))] * 2)
        with pytest.raises(ConnectionRefusedError):
            await wirespeed.connect(f"ws://127.0.0.1:{closed}/")


def test_one_error_of_many() -> None:
    refused, unreachable = OSError(errno.ECONNREFUSED, "a"), OSError(errno.EHOSTUNREACH, "b")
    assert wirespeed._tcp._combined([refused]) is refused
    assert isinstance(wirespeed._tcp._combined([refused, refused]), ConnectionRefusedError)
    mixed = wirespeed._tcp._combined([refused, unreachable])
    assert type(mixed) is OSError
    assert str(refused) in str(mixed)
    assert str(unreachable) in str(mixed)
    assert "no address" in str(wirespeed._tcp._combined([]))


async def test_cancelled_while_the_name_is_resolved() -> None:
    with closed_port() as closed:
        opening = asyncio.ensure_future(_open(f"ws://localhost:{closed}/"))
        await asyncio.sleep(0)
        opening.cancel()
        with pytest.raises(asyncio.CancelledError):
            await opening


async def _open(url: str) -> None:
    await wirespeed.connect(url)
