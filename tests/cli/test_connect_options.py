"""Each option of `wirespeed connect`, against a real server."""

from __future__ import annotations

import asyncio
import base64
import json
import ssl
from pathlib import Path

import commandline
import pytest
import trustme
from commandline import Outcome
from proxies import running_proxies
from rawserver import BINARY, PONG, RawConnection, raw_server
from servers import Behaviour, websockets_server

from wirespeed import ConnectionDisconnected
from wirespeed.testing import ServerConnection, refuse, serve

# The command has an event loop, so one here is enough.
pytestmark = pytest.mark.loops("asyncio")

CLOSED = "closed with code 1000 (normal closure)\n"


async def run(*arguments: str, stdin: bytes | int = b"") -> Outcome:
    return await asyncio.to_thread(commandline.run, "connect", *arguments, stdin=stdin)


async def open_input(*arguments: str) -> Outcome:
    """Run the command with an input that does not end."""

    def wait() -> Outcome:
        with commandline.started("connect", *arguments) as process:
            process.wait(commandline.SECONDS)
            return commandline.ended(process)

    return await asyncio.to_thread(wait)


async def echo(client: ServerConnection) -> None:
    async for message in client:
        await client.send(message)


async def headers_of(*options: str) -> dict[str, str]:
    """Return the headers of the request that the command makes."""

    async def script(connection: RawConnection) -> None:
        headers.update((await connection.accept()).headers)
        await connection.close_politely()

    headers: dict[str, str] = {}
    async with raw_server(script) as url:
        outcome = await run(*options, url)
    assert outcome.status == 0, outcome
    return headers


async def test_origin_credentials_and_cookies() -> None:
    options = ["--origin", "http://h", "--auth", "u:ä:p", "--cookie", "a=1", "--cookie", "b=2"]
    headers = await headers_of("-H", "X: y", *options)
    credentials = base64.b64encode("u:ä:p".encode()).decode()
    assert headers["origin"] == "http://h"
    assert headers["authorization"] == f"Basic {credentials}"
    assert headers["cookie"] == "a=1; b=2"
    assert headers["x"] == "y"


async def test_compression() -> None:
    assert "permessage-deflate" in (await headers_of("--compress"))["sec-websocket-extensions"]
    assert "sec-websocket-extensions" not in await headers_of()


async def test_a_proxy(ca: trustme.CA, tmp_path: Path) -> None:
    with running_proxies(ca, tmp_path) as proxies:
        async with websockets_server() as listening:
            outcome = await run("--proxy", proxies.url("http"), listening.url, stdin=b"hi\n")
        assert outcome == Outcome(0, "hi\n", CLOSED)
        assert proxies.asked() == ["127.0.0.1"]


async def test_any_certificate(server_ssl: ssl.SSLContext) -> None:
    async with websockets_server(ssl=server_ssl) as listening:
        outcome = await run("--insecure", listening.url, stdin=b"hi\n")
    assert outcome == Outcome(0, "hi\n", CLOSED)


@pytest.mark.parametrize("apart", [False, True])
async def test_a_certificate_of_the_client(apart: bool, ca: trustme.CA, tmp_path: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("127.0.0.1").configure_cert(context)
    ca.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    own = ca.issue_cert("client.example")
    ca.cert_pem.write_to_path(str(tmp_path / "ca"))
    (own.cert_chain_pems[0] if apart else own.private_key_and_cert_chain_pem).write_to_path(
        str(tmp_path / "cert")
    )
    own.private_key_pem.write_to_path(str(tmp_path / "key"))
    options = ["--ca", str(tmp_path / "ca"), "--cert", str(tmp_path / "cert")]
    options += ["--key", str(tmp_path / "key")] if apart else []
    async with websockets_server(ssl=context) as listening:
        accepted = await run(*options, listening.url, stdin=b"hi\n")
        refused = await run(*options[:2], listening.url, stdin=b"hi\n")
    assert accepted == Outcome(0, "hi\n", CLOSED)
    assert (refused.status, refused.out) == (1, "")


async def test_binary() -> None:
    async def script(connection: RawConnection) -> None:
        await connection.accept()
        frame = await connection.read_frame()
        seen.append((frame.opcode, frame.payload))
        await connection.write(b"\x82\x02\x00\xfe")
        await connection.close_politely()

    def raw_output(url: str) -> bytes:
        with commandline.started("connect", "--binary", url) as process:
            out, _ = process.communicate(b"\xff\n", timeout=commandline.SECONDS)
            return out

    seen: list[tuple[int, bytes]] = []
    async with raw_server(script) as url:
        assert await asyncio.to_thread(raw_output, url) == b"\x00\xfe\n"
    assert seen == [(BINARY, b"\xff")]


async def test_json() -> None:
    behaviour = Behaviour(burst=['{ "a":\n1.50 }', "text"], close=(1000, ""))
    async with websockets_server(behaviour) as listening:
        outcome = await run("--json", listening.url)
    assert outcome.out == '{"a":1.50}\ntext\n'


async def test_keep_alive() -> None:
    async def script(connection: RawConnection) -> None:
        await connection.accept()
        ping = await connection.read_frame()
        await connection.write(bytes([0x80 | PONG, len(ping.payload)]) + ping.payload)
        await connection.close_politely()

    async with raw_server(script) as url:
        outcome = await open_input("--ping-interval", "0.05", url)
    assert outcome.status == 0


async def test_a_silent_server() -> None:
    async def script(client: ServerConnection) -> None:
        await client.send("one")
        with pytest.raises(ConnectionDisconnected, match="1011"):
            await client.receive()

    async with serve(script) as url:
        outcome = await open_input("--timeout", "0.3", url)
    assert (outcome.status, outcome.out) == (1, "one\n")
    assert outcome.err.startswith("wirespeed: closed with code ")
    assert "no message" in outcome.err


async def test_a_server_that_does_not_answer() -> None:
    async def script(connection: RawConnection) -> None:
        await connection.read_upgrade()
        assert await connection.read_rest() == b""

    async with raw_server(script) as url:
        outcome = await open_input("--timeout", "0.3", url)
    assert (outcome.status, outcome.out) == (1, "")
    assert outcome.err.startswith("wirespeed: cannot connect: ")


async def test_so_many_messages() -> None:
    async def script(client: ServerConnection) -> None:
        for number in range(100):
            await client.send(str(number))
        async for _ in client:
            pass
        codes.append(client.close_code)

    codes: list[int | None] = []
    async with serve(script) as url:
        # The end of the input does not end the wait for the messages.
        assert await run("--count", "3", url) == Outcome(0, "0\n1\n2\n", CLOSED)
    assert codes == [1000]


async def test_a_server_with_too_few_messages() -> None:
    async with websockets_server(Behaviour(burst=["one"], close=(1000, ""))) as listening:
        outcome = await run("--count", "2", listening.url)
    assert (outcome.status, outcome.out) == (1, "one\n")
    assert outcome.err.endswith("wirespeed: only 1 of 2 messages arrived\n")


async def test_recording_as_well(tmp_path: Path) -> None:
    path = tmp_path / "recording"
    async with serve(echo) as url:
        outcome = await run("--record", str(path), "--count", "2", url, stdin=b"a\n/binary 00\n")
        again = await run("--record", str(path), url)
    assert (outcome.status, outcome.out) == (0, "a\n1 byte: 00\n")
    assert (again.status, again.err) == (2, f"wirespeed: cannot make {path}: File exists\n")
    entries = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()[1:]]
    senders = [(entry["sender"], entry.get("text")) for entry in entries]
    assert sorted(senders[:-1], key=str) == [
        ("client", "a"),
        ("client", None),
        ("server", "a"),
        ("server", None),
    ]
    assert (entries[-1]["sender"], entries[-1]["close"]) == ("client", 1000)


async def test_connecting_again(tmp_path: Path) -> None:
    async def lost(client: ServerConnection) -> None:
        await client.send("one")
        client.drop()

    async def asking(client: ServerConnection) -> None:
        await client.send("two")
        # The line that was not sent on the first connection, or not read from it, is sent here.
        assert await client.receive_text() == "line"
        await client.close(1000)

    async def last(client: ServerConnection) -> None:
        await client.send("three")
        async for _ in client:
            pass

    def talk(url: str) -> Outcome:
        with commandline.started("connect", "--reconnect", "--count", "3", url) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            assert [process.stdout.readline() for _ in range(2)] == [b"one\n", b"two\n"]
            process.stdin.write(b"line\n")
            process.stdin.flush()
            assert process.stdout.readline() == b"three\n"
            process.wait(commandline.SECONDS)
            return commandline.ended(process)

    async with serve(lost, asking, last) as url:
        outcome = await asyncio.to_thread(talk, url)
    assert outcome.status == 0
    lines = outcome.err.splitlines()
    lost_text = "connection was lost without a Close frame (RFC 6455 section 7.1.5)"
    assert lines[0] == f"wirespeed: {lost_text}"
    assert lines[-2:] == [
        "closed by the server with code 1000 (normal closure)",
        CLOSED.strip(),
    ]


async def test_a_refusal_ends_connecting_again() -> None:
    async with serve(refuse(403)) as url:
        outcome = await run("--reconnect", url)
    text = "wirespeed: cannot connect: server refused the upgrade: 403 Forbidden\n"
    assert outcome == Outcome(1, "", text)


async def test_an_error_that_may_pass_is_told_and_tried_again() -> None:
    async def hello(client: ServerConnection) -> None:
        await client.send("hello")
        async for _ in client:
            pass

    async with serve(refuse(503), hello) as url:
        outcome = await run("--reconnect", "--count", "1", url)
    assert (outcome.status, outcome.out) == (0, "hello\n")
    assert "503 Service Unavailable; next attempt in " in outcome.err.splitlines()[0]


async def test_the_handshake_is_shown_without_secrets() -> None:
    options = ["-v", "--auth", "u:pw", "--cookie", "a=b", "-H", "X-Api-Token: t", "-H", "X: y"]
    async with serve(echo) as url:
        outcome = await run(*options, f"{url}feed?key=k")
    lines = outcome.err.splitlines()
    assert lines[0] == "> GET /feed?(hidden) HTTP/1.1"
    for name in ("Authorization", "Cookie", "X-Api-Token"):
        assert f"> {name}: (hidden)" in lines
    assert "> X: y" in lines
    assert "< 101 Switching Protocols" in lines


async def test_closing_with_a_code() -> None:
    async def script(client: ServerConnection) -> None:
        assert await client.receive_text() == "hi"
        with pytest.raises(ConnectionDisconnected, match="4000 'bye'"):
            await client.receive()

    async with serve(script) as url:
        outcome = await run(url, stdin=b"hi\n/close 4000 bye\nnot sent\n")
    assert outcome == Outcome(0, "", "closed with code 4000\n")


async def test_a_password_needs_a_terminal() -> None:
    def ask() -> Outcome:
        import subprocess

        # Without a controlling terminal, `getpass` would read standard input.
        done = subprocess.run(
            [*commandline.COMMAND, "connect", "--auth", "user", "ws://127.0.0.1:1/"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=commandline.SECONDS,
            check=False,
            start_new_session=True,
        )
        return Outcome(done.returncode, done.stdout.decode(), done.stderr.decode())

    text = "wirespeed: there is no terminal to ask for the password of --auth\n"
    assert await asyncio.to_thread(ask) == Outcome(2, "", text)
