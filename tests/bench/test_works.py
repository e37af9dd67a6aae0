"""What is measured, which clients take part, and what the messages contain."""

from __future__ import annotations

import json
from typing import get_args

import pytest

from wirespeed._bench import contenders, payloads, works
from wirespeed._bench.contenders import CONTENDERS, OURS, Contender
from wirespeed._bench.works import ALL_WORKS, Work
from wirespeed._codec import backend
from wirespeed._codec.inflate import Inflater

WITH_MESSAGES = [work for work in ALL_WORKS if work.size and work.kind != "paced"]
COMPRESSED = [work for work in WITH_MESSAGES if work.compressed]
SMALL = [work for work in WITH_MESSAGES if work.size <= 1024 and not work.compressed]


def parsed(frames: bytes, *, masked: bool = False) -> list[str | bytes]:
    messages: list[str | bytes] = []
    backend.MessageParser(masked=masked).feed(frames, messages)
    return messages


def named(name: str) -> Contender:
    (found,) = (contender for contender in CONTENDERS if contender.name == name)
    return found


def test_each_key_and_each_title_stands_for_one_work() -> None:
    assert len({work.key for work in ALL_WORKS}) == len(ALL_WORKS)
    assert len({work.title for work in ALL_WORKS}) == len(ALL_WORKS)


@pytest.mark.parametrize("preset", [works.QUICK, works.HEADLINE])
def test_the_presets_name_works(preset: tuple[str, ...]) -> None:
    assert [work.key for work in works.chosen(preset)] == list(preset)


def test_every_kind_size_and_payload_is_there() -> None:
    assert {work.kind for work in ALL_WORKS} == set(get_args(works.Kind))
    plain = [work for work in WITH_MESSAGES if not work.compressed]
    assert {work.size for work in plain} == {*works.SIZES, works.TICK_BYTES}
    assert [(work.size, work.payload) for work in COMPRESSED] == list(works.COMPRESSED)
    for kind in ("receive", "send"):
        assert {work.payload for work in ALL_WORKS if work.kind == kind} == set(works.PAYLOADS)
        assert {work.tls for work in ALL_WORKS if work.kind == kind} == {False, True}


def test_patterns_choose_works_once() -> None:
    found = works.chosen(["handshake*", "handshake", "paced-50k"])
    assert [work.key for work in found] == ["handshake", "handshake-tls", "paced-50k"]


def test_a_pattern_that_matches_nothing_is_an_error() -> None:
    with pytest.raises(ValueError, match="no work matches 'nope'"):
        works.chosen(["paced-50k", "nope"])


@pytest.mark.parametrize(
    ("work", "title", "unit"),
    [
        (Work("receive", 1024, "utf8"), "receive 1 KiB UTF-8 text", "CPU us a message"),
        (Work("send", 64, "json"), "send 64 B JSON", "CPU us a message"),
        (Work("echo", 256, tls=True), "echo 256 B text, one in flight, TLS", "CPU us a message"),
        (
            Work("receive", 180, "json", compressed=True),
            "receive 180 B JSON, compressed",
            "CPU us a message",
        ),
        (Work("handshake"), "opening handshake", "CPU us a connection"),
        (Work("memory", connections=5000), "5,000 idle connections", "KiB of RSS a connection"),
    ],
)
def test_titles_and_units(work: Work, title: str, unit: str) -> None:
    assert (work.title, work.unit) == (title, unit)


def test_another_process_makes_the_same_work_of_its_json() -> None:
    for work in ALL_WORKS:
        assert Work(**json.loads(json.dumps(works.as_json(work)))) == work


def test_wirespeed_always_takes_part() -> None:
    assert [contender.name for contender in contenders.chosen(["websockets"])] == [
        OURS,
        "websockets",
    ]
    assert contenders.chosen(None) == CONTENDERS


def test_a_package_stands_for_all_of_its_ways() -> None:
    names = [contender.name for contender in contenders.chosen(["picows"])]
    assert names == [OURS, "picows callbacks", "picows.websockets"]


def test_an_unknown_peer_is_an_error() -> None:
    with pytest.raises(ValueError, match="unknown peer 'nope', known are aiohttp, "):
        contenders.chosen(["nope"])


def test_the_floors_are_no_clients() -> None:
    names = [contender.name for contender in CONTENDERS]
    peers = [name for name in names if contenders.is_peer(name)]
    assert peers == [name for name in names if not name.startswith(("wirespeed", "floor: "))]
    assert named("floor: task").takes_part_in(Work("paced", 64, rate=10_000))
    assert not named("floor: task").takes_part_in(Work("echo", 64))


def test_who_takes_part_in_what() -> None:
    batches, pure = named("wirespeed batches"), named("wirespeed pure Python")
    assert batches.takes_part_in(Work("receive", 64))
    assert not batches.takes_part_in(Work("echo", 64))
    assert pure.takes_part_in(Work("send", 1024))
    assert not pure.takes_part_in(Work("send", 1025))
    assert not pure.takes_part_in(Work("send", 64, tls=True))
    assert not named("picows callbacks").takes_part_in(COMPRESSED[0])
    assert all(named("websockets").takes_part_in(work) for work in ALL_WORKS)


def test_what_is_missing_is_named() -> None:
    assert Contender("x", "not_there_at_all", "x", "X").missing() == (
        "not_there_at_all is not installed"
    )
    assert Contender("x", "wirespeed", "x", "X", option="no_option").missing() == (
        "this wirespeed has no no_option"
    )
    assert named(OURS).missing() is None


@pytest.mark.parametrize("work", WITH_MESSAGES, ids=lambda work: work.key)
def test_a_payload_has_exactly_the_size(work: Work) -> None:
    data = payloads.payload(work)
    assert len(data) == work.size
    assert payloads.payload(work) == data
    if work.payload == "json":
        # A client that encodes the value then sends just as many bytes.
        assert json.dumps(json.loads(data)).encode() == data
    elif work.payload == "utf8":
        assert len(data.decode()) == work.size // 3 + work.size % 3
    elif work.payload == "text":
        assert data.isascii()


@pytest.mark.parametrize("work", SMALL, ids=lambda work: work.key)
def test_a_block_holds_as_many_frames_as_it_says(work: Work) -> None:
    frames, count = payloads.block(work)
    messages = parsed(frames)
    assert len(messages) == count
    assert len(frames) >= payloads.BLOCK_BYTES * 0.9
    assert len(set(messages)) > 1
    assert len(frames) % count == 0


@pytest.mark.parametrize("work", COMPRESSED, ids=lambda work: work.key)
def test_compressed_blocks_can_follow_each_other_in_part(work: Work) -> None:
    frames, ends = payloads.compressed_block(work)
    assert len(frames) == ends[-1] < payloads.BLOCK_BYTES / 2
    wanted = [payloads.payload(work, number).decode() for number in range(len(ends))]
    parser = backend.MessageParser()
    parser.accept_compressed(Inflater(15, keeps_context=True))
    messages: list[str | bytes] = []
    parser.feed(frames + frames[: ends[4]] + frames, messages)
    assert messages == wanted + wanted[:5] + wanted


def test_a_message_larger_than_a_block_is_a_block() -> None:
    work = Work("receive", 1024 * 1024, "binary")
    frames, count = payloads.block(work)
    assert (parsed(frames), count) == ([payloads.payload(work)], 1)


@pytest.mark.parametrize("size", [0, 125, 126, 65535, 65536])
def test_the_length_of_a_clients_frame(size: int) -> None:
    frame = backend.FrameBuilder().frame(2, bytes(size))
    assert payloads.client_frame_bytes(size) == len(frame)


def test_the_frames_of_a_feed_tell_when_they_were_due_and_sent() -> None:
    messages = parsed(payloads.stamped_frames(64, range(1_000, 1_020, 10), 1_015))
    assert [payloads.stamps(str(message)) for message in messages] == [(1000, 1015), (1010, 1015)]
    assert {len(message) for message in messages} == {64}


@pytest.mark.parametrize("size", [35, 126])
def test_a_feed_has_no_other_sizes(size: int) -> None:
    with pytest.raises(ValueError, match=f"36 to 125 bytes, not {size}"):
        payloads.stamped_frames(size, range(1), 0)


def test_json_that_is_too_small() -> None:
    with pytest.raises(ValueError, match="18 bytes or more, not 17"):
        payloads.payload(Work("receive", 17, "json"))
