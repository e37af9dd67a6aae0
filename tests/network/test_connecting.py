"""How the host is reached: names, addresses, families, sockets from the caller.

No test asks a name server, or depends on how long anything takes.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from connections import make_connection
from ends import Tls, collect, text_frame
from rawserver import RawConnection, linger_no_longer, raw_server
from resolving import NAME, closed_port, resolve, silent_port

import wirespeed
import wirespeed._network.tcp
from wirespeed import WebSocketConnection

pytestmark = pytest.mark.usefixtures("transports")


async def greet(connection: RawConnection) -> None:
    """Open, send one message and close."""
    await connection.accept(trailing=text_frame("hello"))
    await connection.close_politely()


@contextlib.contextmanager
def listening(family: int = socket.AF_INET, host: str = "127.0.0.1") -> Iterator[socket.socket]:
    with socket.socket(family, socket.SOCK_STREAM) as sock:
        # `getaddrinfo` adds the scope of an address that has one.
        sock.bind(socket.getaddrinfo(host, 0, family, socket.SOCK_STREAM)[0][4])
        yield sock


async def greeted(url: str, **options: Any) -> WebSocketConnection:
    """Connect, and check that the expected server answers."""
    async with wirespeed.connect(url, **options) as connection:
        assert await collect(connection) == ["hello"]
    return connection


def port_of(sock: socket.socket) -> int:
    port: int = sock.getsockname()[1]
    return port


# -- names and their addresses -----------------------------------------------------------


async def test_a_name(tls: Tls) -> None:
    async with raw_server(greet, ssl=tls.server) as url:
        connection = await greeted(url.replace("127.0.0.1", "localhost"), ssl=tls.client)
    assert connection.timings.dns is not None


async def test_addresses_that_refuse_are_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    with closed_port() as closed, listening() as sock:
        resolve(monkeypatch, closed, closed, sock)
        async with raw_server(greet, sock=sock):
            connection = await greeted(f"ws://{NAME}:{port_of(sock)}/")
    assert connection.remote_address == ("127.0.0.1", connection.remote_address[1])


async def test_an_address_that_does_not_answer_is_passed_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(wirespeed._network.tcp, "ATTEMPT_DELAY_SECONDS", 0.01)
    with silent_port() as silent, listening() as sock:
        resolve(monkeypatch, silent, silent, sock)
        async with raw_server(greet, sock=sock):
            await greeted(f"ws://{NAME}/")


async def test_the_slower_one_may_still_win(monkeypatch: pytest.MonkeyPatch) -> None:
    with closed_port() as closed, listening() as sock:
        resolve(monkeypatch, sock, closed)
        monkeypatch.setattr(wirespeed._network.tcp, "ATTEMPT_DELAY_SECONDS", 0)
        async with raw_server(greet, sock=sock):
            await greeted(f"ws://{NAME}/")


async def test_both_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    async def greet_the_winner(connection: RawConnection) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            await greet(connection)

    monkeypatch.setattr(wirespeed._network.tcp, "ATTEMPT_DELAY_SECONDS", 0)
    with listening() as sock, listening() as other:
        resolve(monkeypatch, sock, other)
        async with (
            raw_server(greet_the_winner, sock=sock, connections=0),
            raw_server(greet_the_winner, sock=other, connections=0),
        ):
            await greeted(f"ws://{NAME}/")


async def test_all_refuse(monkeypatch: pytest.MonkeyPatch) -> None:
    with closed_port() as closed:
        resolve(monkeypatch, closed, closed)
        with pytest.raises(ConnectionRefusedError, match="no address of the host"):
            await wirespeed.connect(f"ws://{NAME}/")
        resolve(monkeypatch, closed)
        with pytest.raises(ConnectionRefusedError, match=r"Connection refused at 127\.0\.0\.1"):
            await wirespeed.connect(f"ws://{NAME}/")


async def test_a_name_without_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    resolve(monkeypatch)
    with pytest.raises(OSError, match="no address of the host"):
        await wirespeed.connect(f"ws://{NAME}/")


def test_one_error_of_many() -> None:
    refused, unreachable = OSError(errno.ECONNREFUSED, "a"), OSError(errno.EHOSTUNREACH, "b")
    assert wirespeed._network.tcp._combined([refused]) is refused
    assert isinstance(wirespeed._network.tcp._combined([refused, refused]), ConnectionRefusedError)
    mixed = wirespeed._network.tcp._combined([refused, unreachable])
    assert type(mixed) is OSError
    assert str(refused) in str(mixed)
    assert str(unreachable) in str(mixed)


def test_families_take_turns() -> None:
    six: list[Any] = [(socket.AF_INET6, number) for number in range(3)]
    four: list[Any] = [(socket.AF_INET, number) for number in range(2)]
    interleaved = wirespeed._network.tcp._interleaved
    assert interleaved(six + four) == [six[0], four[0], six[1], four[1], six[2]]
    assert interleaved(four + six) == [four[0], six[0], four[1], six[1], six[2]]
    assert interleaved(six) == six
    assert interleaved([]) == []


# -- IPv6 --------------------------------------------------------------------------------


def has_ipv6() -> bool:
    with contextlib.suppress(OSError), listening(socket.AF_INET6, "::1"):
        return True
    return False


def link_local_address() -> str | None:
    """Return an address of this machine that needs a zone, or `None`."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/net/if_inet6").read_text().splitlines():
            digits, *_, interface = line.split()
            if digits.startswith("fe80"):
                groups = [digits[start : start + 4] for start in range(0, 32, 4)]
                return f"{':'.join(groups)}%{interface}"
    return None


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")
async def test_ipv6(tls: Tls) -> None:
    with listening(socket.AF_INET6, "::1") as sock:
        async with raw_server(greet, sock=sock, ssl=tls.server) as url:
            connection = await greeted(url, ssl=tls.client, server_hostname="localhost")
    assert connection.remote_address[:2] == ("::1", int(url.rstrip("/").rpartition(":")[2]))
    assert connection.timings.dns is None


@pytest.mark.skipif(link_local_address() is None, reason="no interface has a link-local address")
async def test_an_ipv6_address_with_a_zone(tls: Tls) -> None:
    host = link_local_address() or ""
    with listening(socket.AF_INET6, host) as sock:
        async with raw_server(greet, sock=sock, ssl=tls.server) as url:
            zoned = f"{url.partition('//')[0]}//[{host.replace('%', '%25')}]:{port_of(sock)}/"
            connection = await greeted(zoned, ssl=tls.client, server_hostname="localhost")
            # The scope as a number: without it the address cannot be reached.
            assert connection.remote_address[3] == sock.getsockname()[3] > 0


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")
@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
async def test_family(family: int, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    with listening() as sock:
        resolve(monkeypatch, sock)
        loop_class: Any = type(asyncio.get_running_loop())
        answer = loop_class.getaddrinfo

        async def getaddrinfo(*args: Any, family: int = 0, **options: Any) -> Any:
            asked.append(family)
            return await answer(*args, **options)

        monkeypatch.setattr(loop_class, "getaddrinfo", getaddrinfo)
        async with raw_server(greet, sock=sock):
            await greeted(f"ws://{NAME}/", family=family)
    assert asked == [family]


async def test_an_address_of_the_other_family() -> None:
    with pytest.raises(socket.gaierror):
        await wirespeed.connect("ws://127.0.0.1/", family=socket.AF_INET6)


# -- sockets -----------------------------------------------------------------------------


@pytest.mark.parametrize("options", [{}, {"local_addr": ("127.0.0.1", 0)}], ids=repr)
async def test_nodelay_is_on(options: dict[str, Any], tls: Tls) -> None:
    async with (
        raw_server(greet, ssl=tls.server) as url,
        wirespeed.connect(url, ssl=tls.client, **options) as connection,
    ):
        sock = connection.get_extra_info("socket")
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        assert await collect(connection) == ["hello"]


async def test_socket_options(tls: Tls) -> None:
    options = [
        (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
        (socket.SOL_SOCKET, socket.SO_RCVBUF, 50_000),
        (socket.IPPROTO_TCP, socket.TCP_NODELAY, 0),
    ]
    async with (
        raw_server(greet, ssl=tls.server) as url,
        wirespeed.connect(url, ssl=tls.client, socket_options=iter(options)) as connection,
    ):
        sock = connection.get_extra_info("socket")
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        assert 50_000 <= sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) <= 100_000
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        assert await collect(connection) == ["hello"]


async def test_an_option_that_the_system_refuses() -> None:
    with pytest.raises(OSError, match=r"\[Errno"):
        await wirespeed.connect("ws://127.0.0.1/", socket_options=[(socket.SOL_SOCKET, 9999, 1)])


async def test_local_addr(tls: Tls) -> None:
    peers: list[Any] = []

    async def note(connection: RawConnection) -> None:
        peers.append(connection.writer.get_extra_info("peername"))
        await greet(connection)

    with closed_port() as free:
        port = port_of(free)
    async with raw_server(note, ssl=tls.server) as url:
        connection = await greeted(url, ssl=tls.client, local_addr=("127.0.0.1", port))
    assert peers == [("127.0.0.1", port)] == [connection.local_address]


async def test_local_addr_that_is_taken() -> None:
    async with raw_server(greet, connections=0) as url:
        with closed_port() as taken:
            with pytest.raises(OSError, match="cannot bind to") as caught:
                await wirespeed.connect(url, local_addr=taken.getsockname())
            assert caught.value.errno == errno.EADDRINUSE
        with pytest.raises(OSError, match="no address of the family AF_INET"):
            await wirespeed.connect(url, local_addr=("::1", 0))


@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="this system has no unix sockets")
async def test_unix_path(tls: Tls) -> None:
    # pytest's own directories are too long for the path of a socket.
    with tempfile.TemporaryDirectory() as directory, socket.socket(socket.AF_UNIX) as sock:
        path = Path(directory, "s")
        sock.bind(str(path))
        async with raw_server(greet, sock=sock, ssl=tls.server, connections=3) as url:
            for given in (path, str(path), bytes(path)):
                connection = await greeted(url, ssl=tls.client, unix_path=given)
                assert connection.remote_address == str(path)
                assert connection.timings.dns is None
        with pytest.raises(FileNotFoundError):
            await wirespeed.connect("ws://localhost/", unix_path=f"{path}-")


@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="this system has no unix sockets")
async def test_a_unix_socket_with_no_room_left() -> None:
    with contextlib.ExitStack() as stack:
        path = f"{stack.enter_context(tempfile.TemporaryDirectory())}/s"
        server = stack.enter_context(socket.socket(socket.AF_UNIX))
        server.bind(path)
        server.listen(0)
        stack.enter_context(socket.socket(socket.AF_UNIX)).connect(path)
        with pytest.raises(OSError, match=r"\[Errno"):
            await wirespeed.connect("ws://localhost/", unix_path=path)


async def test_a_socket_of_the_callers_own(tls: Tls) -> None:
    async with raw_server(greet, ssl=tls.server) as url:
        sock = socket.create_connection(("127.0.0.1", int(url.rstrip("/").rpartition(":")[2])))
        connection = await greeted(
            "ws://localhost/" if tls.server is None else "wss://localhost/",
            ssl=tls.client,
            sock=sock,
        )
        assert sock.fileno() == -1
    assert connection.timings.dns is connection.timings.tcp is None


@pytest.mark.skipif(sys.platform == "win32", reason="a pair of sockets is of TCP there")
async def test_one_of_a_pair_of_sockets() -> None:
    own, other = socket.socketpair()
    reader, writer = await asyncio.open_connection(sock=other)

    async def serve() -> None:
        await greet(RawConnection(reader, writer))
        writer.close()
        await writer.wait_closed()

    serving = asyncio.ensure_future(serve())
    await greeted("ws://localhost/", sock=own)
    await serving


@pytest.mark.parametrize(
    "options",
    [
        {"url": "ws://"},
        {"headers": {"X": "\n"}},
        {"ssl": 5},
        {"family": socket.AF_INET},
        {"close_timeout": "1"},
        {"max_queue": -1},
    ],
)
async def test_a_given_socket_is_closed_on_failure(options: dict[str, Any]) -> None:
    own, other = socket.socketpair()
    with other, pytest.raises((TypeError, ValueError)):
        await wirespeed.connect(**{"url": "ws://localhost/", "sock": own, **options})
    assert own.fileno() == -1


async def test_a_given_socket_that_is_not_connected() -> None:
    own = socket.socket()
    with pytest.raises(OSError, match=r"\[Errno"):
        await wirespeed.connect("ws://localhost/", sock=own)
    assert own.fileno() == -1


async def test_a_given_socket_that_was_reset() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        own = socket.create_connection(server.getsockname())
        accepted, _ = server.accept()
        linger_no_longer(accepted)
        accepted.close()
        with pytest.raises(ConnectionResetError):
            await wirespeed.connect("ws://localhost/", sock=own)


async def test_a_given_socket_is_closed_when_a_function_fails() -> None:
    def fail() -> str:
        raise KeyError("token")

    own, other = socket.socketpair()
    with other, pytest.raises(KeyError):
        await wirespeed.connect(fail, sock=own)
    assert own.fileno() == -1


async def test_a_given_socket_is_for_one_connection() -> None:
    own, other = socket.socketpair()
    with own, other:
        connecting = wirespeed.connect("ws://localhost/", sock=own)
        with pytest.raises(ValueError, match="sock is for one connection"):
            aiter(connecting)
        # It was not awaited, so the socket was not taken over.
        assert own.fileno() != -1
        own.close()
        with pytest.raises(ValueError, match="sock is closed, or was used for a connection before"):
            await connecting


# -- wrong arguments ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"family": 77}, ValueError),
        ({"family": "inet"}, ValueError),
        ({"local_addr": "127.0.0.1"}, TypeError),
        ({"local_addr": ("127.0.0.1",)}, TypeError),
        ({"local_addr": (b"127.0.0.1", 0)}, TypeError),
        ({"local_addr": ("127.0.0.1", "0")}, TypeError),
        ({"local_addr": ("127.0.0.1", True)}, TypeError),
        ({"local_addr": ("127.0.0.1", 65536)}, ValueError),
        ({"local_addr": ("127.0.0.1", -1)}, ValueError),
        ({"socket_options": 5}, TypeError),
        ({"socket_options": [5]}, TypeError),
        ({"socket_options": [(1, 2)]}, TypeError),
        ({"socket_options": [(1, 2, "3")]}, TypeError),
        ({"socket_options": [("1", 2, 3)]}, TypeError),
        ({"sock": 5}, TypeError),
        ({"unix_path": 5}, TypeError),
        ({"unix_path": "s", "local_addr": ("127.0.0.1", 0)}, ValueError),
        ({"unix_path": "s", "family": socket.AF_INET}, ValueError),
        ({"fingerprint": 5}, TypeError),
        ({"fingerprint": "00" * 32}, ValueError),
    ],
    ids=repr,
)
async def test_wrong_arguments(arguments: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        await wirespeed.connect("ws://127.0.0.1/", **arguments)


@pytest.mark.parametrize(
    "others",
    [
        {"unix_path": "s"},
        {"local_addr": ("127.0.0.1", 0)},
        {"family": socket.AF_INET},
        {"socket_options": [(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)]},
    ],
    ids=repr,
)
async def test_nothing_goes_with_a_given_socket(others: dict[str, Any]) -> None:
    own, other = socket.socketpair()
    with other, pytest.raises(ValueError, match="exclude each other"):
        await wirespeed.connect("ws://localhost/", sock=own, **others)


async def test_kinds_of_sockets_that_cannot_be_used() -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as datagrams:
        with pytest.raises(ValueError, match="SOCK_STREAM"):
            await wirespeed.connect("ws://localhost/", sock=datagrams)
        assert datagrams.fileno() == -1


# -- what the connection reports -------------------------------------------------------


async def test_addresses_and_extra_info(tls: Tls) -> None:
    async with (
        raw_server(greet, ssl=tls.server) as url,
        wirespeed.connect(url, ssl=tls.client) as connection,
    ):
        remote, local = connection.remote_address, connection.local_address
        assert remote == ("127.0.0.1", int(url.rstrip("/").rpartition(":")[2]))
        assert connection.get_extra_info("socket").getsockname() == local
        has_tls = connection.get_extra_info("ssl_object") is not None
        assert has_tls == (tls.client is not None)
        assert connection.get_extra_info("unknown", 5) == 5
        assert await collect(connection) == ["hello"]
    # This also holds after the end.
    assert (connection.remote_address, connection.local_address) == (remote, local)
    assert connection.get_extra_info("peername") == remote
    assert connection.get_extra_info("sockname", 5) == local
    for name in ("socket", "ssl_object", "cipher", "unknown"):
        connection.get_extra_info(name)


async def test_addresses_before_the_start() -> None:
    connection = make_connection(WebSocketConnection)
    assert connection.local_address is connection.remote_address is None
    assert connection.get_extra_info("peername", 5) == 5
    assert connection.get_extra_info("socket", 5) == 5


async def test_timings(tls: Tls) -> None:
    async with raw_server(greet, ssl=tls.server) as url:
        timings = (await greeted(url, ssl=tls.client)).timings
    assert timings.dns is timings.proxy is None
    assert (timings.tls is None) == (tls.client is None)
    phases = [timings.tcp, timings.tls, timings.upgrade]
    seconds = [phase for phase in phases if phase is not None]
    assert len(seconds) == 2 + (tls.client is not None)
    assert min(seconds) > 0
    assert timings.total == pytest.approx(sum(seconds))
    with pytest.raises(AttributeError):
        timings.tcp = 0.0  # type: ignore[misc]
