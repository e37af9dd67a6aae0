"""`wirespeed demo` as a user runs it: it prints a table and leaves nothing behind."""

from __future__ import annotations

import signal

import commandline
import pytest
from commandline import Outcome

import wirespeed


def table(outcome: Outcome) -> dict[str, str]:
    """Parse the table at the end of the output. Two blanks end the name of a row."""
    rows = [line.strip().partition("  ") for line in outcome.out.splitlines()]
    return {name: value.strip() for name, separator, value in rows if separator}


@pytest.mark.parametrize("tls", [[], ["--tls"]], ids=["plain", "tls"])
@pytest.mark.parametrize("batch", [[], ["--batch"]], ids=["each", "batch"])
def test_all_messages_arrive_in_order(tls: list[str], batch: list[str]) -> None:
    outcome = commandline.run("demo", "--messages", "20001", *tls, *batch)
    assert (outcome.status, outcome.err) == (0, "")
    rows = table(outcome)
    assert (rows["messages"], rows["in order"]) == ("20,001", "yes")
    assert rows["implementation"] == wirespeed.implementation
    assert rows["TLS"].startswith("yes" if tls else "no")
    assert rows["received with"] == ("batches()" if batch else "async for")
    assert list(rows) == [
        "messages",
        "bytes",
        "seconds",
        "messages a second",
        "MB a second",
        "CPU us a message",
        "in order",
        "received with",
        "implementation",
        "transport",
        "TLS",
        "Python",
    ]
    assert "\r" not in outcome.out


def test_one_message() -> None:
    outcome = commandline.run("demo", "--messages", "1")
    assert (outcome.status, table(outcome)["messages"]) == (0, "1")


def test_for_some_time() -> None:
    outcome = commandline.run("demo", "--seconds", "0.3")
    rows = table(outcome)
    assert (outcome.status, rows["in order"]) == (0, "yes")
    assert float(rows["seconds"]) >= 0.2


def test_ctrl_c_ends_with_the_table_of_what_arrived() -> None:
    with commandline.started("demo", "--seconds", "600") as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        process.send_signal(signal.SIGINT)
        outcome = commandline.ended(process)
    assert first.startswith(b"streaming market ticks from ws://127.0.0.1:")
    assert (outcome.status, outcome.err) == (130, "")
    assert table(outcome)["in order"] == "yes, until it was interrupted"


def test_no_server_is_left_behind_when_the_demo_is_killed() -> None:
    with commandline.started("demo", "--seconds", "600") as process:
        assert process.stdout is not None
        assert process.stdout.readline()
        process.kill()
        # Standard error ends only when the server, which shares it, has ended too.
        outcome = commandline.ended(process)
    assert (outcome.status, outcome.err) == (-signal.SIGKILL, "")


def test_a_reader_that_has_seen_enough() -> None:
    with commandline.started("demo", "--messages", "20000") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline()
        process.stdout.close()
        assert process.wait(commandline.SECONDS) == 0
        assert process.stderr.read() == b""
