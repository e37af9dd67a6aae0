"""UTF-8 by class of text and size: validating it, and decoding messages to `str`.

    python -m pytest benchmarks/bench_utf8.py [-k "chinese and 1024"]

`decode` parses a read full of messages, and `bytes.decode` decodes the same payloads one by one. So
only the first also pays for the headers of the frames. The texts of one benchmark differ from each
other: a processor would learn the positions of the characters in a single text.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from wirespeed._base.rfc6455 import OPCODE_TEXT, frame_header

WORDS = {
    "ascii": '{"e":"trade", "s":"BNBBTC", "p":"0.0012", "q":"100", "m":true}, ',
    "french": "Le coeur a ses raisons; l'été dernier à Paris, près du théâtre, déjà ",
    "cyrillic": "Все счастливые семьи похожи друг на друга, каждая несчастлива. ",
    "chinese": "天地玄黄， 宇宙洪荒。 日月盈昃， 2023年， 今天的天气很好，我们去公园吧！ ",
    "japanese": "吾輩は猫である。 名前はまだ無い。 WebSocketの接続は 2回リトライしました。 ",
    "json with chinese": '{"id":18273, "user":"张伟", "text":"今天的天气很好，我们去公园吧！"}, ',
    "emoji": "😀 😁 😂 🤣 😃 😄 😅 😆 😉 😊 ",
    "chat": "lol that was great 😂😂 👍, see you tomorrow at 10? 🎉 ok 🚀🚀🚀 ",
    "mixed": "aé中😀 bñ文🎉 Grüße aus Москвы 東京 🚀 naïve Ωμέγα ok ",
}
# Written without spaces.
JOINED = ("chinese", "emoji", "japanese")
CLASSES = (*WORDS, "ascii, last é")
SIZES = (8, 16, 64, 256, 1024, 16 * 1024, 1024 * 1024)
CODECS = ("_core", "pure")
READ_BYTES = 256 * 1024


def make_payload(kind: str, size: int, rng: random.Random) -> bytes:
    """Make a text of `size` bytes; dots replace a character that is cut off at its end."""
    if kind not in WORDS:
        return make_payload("ascii", size - 2, rng) + "é".encode()
    words = WORDS[kind].split(" ")
    separator = b"" if kind in JOINED else b" "
    payload = bytearray()
    while len(payload) < size:
        payload += rng.choice(words).encode() + separator
    text = payload[:size].decode(errors="ignore").encode()
    return text + b"." * (size - len(text))


def make_payloads(kind: str, size: int) -> list[bytes]:
    """Make the texts of one read, 200 at most."""
    rng = random.Random(f"{kind} {size}")
    return [make_payload(kind, size, rng) for _ in range(max(1, min(200, READ_BYTES // size)))]


def codec(name: str) -> Any:
    """Return a codec, or skip the benchmark if it is not built."""
    return pytest.importorskip(f"wirespeed._codec.{name}", exc_type=ImportError)


def run(benchmark: BenchmarkFixture, payloads: list[bytes], function: Callable[[], Any]) -> None:
    """Measure, and record how many messages and bytes a call handles."""
    benchmark.extra_info |= {"messages": len(payloads), "bytes": sum(map(len, payloads))}
    benchmark(function)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("kind", CLASSES)
@pytest.mark.parametrize("decoder", [*CODECS, "bytes.decode"])
def test_decode(benchmark: BenchmarkFixture, decoder: str, kind: str, size: int) -> None:
    benchmark.group = f"decode {kind}, {size} bytes"
    payloads = make_payloads(kind, size)
    if decoder == "bytes.decode":
        run(benchmark, payloads, lambda: [payload.decode() for payload in payloads])
        return
    make_parser = codec(decoder).MessageParser
    stream = b"".join(frame_header(OPCODE_TEXT, len(payload)) + payload for payload in payloads)

    def receive() -> list[Any]:
        messages: list[Any] = []
        make_parser().feed(stream, messages)
        return messages

    assert receive() == [payload.decode() for payload in payloads]
    run(benchmark, payloads, receive)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("kind", CLASSES)
@pytest.mark.parametrize("name", CODECS)
def test_validate(benchmark: BenchmarkFixture, name: str, kind: str, size: int) -> None:
    benchmark.group = f"validate {kind}, {size} bytes"
    payloads = make_payloads(kind, size)
    validator = codec(name).Utf8Validator()

    def validate() -> bool:
        return all(map(validator.feed, payloads))

    assert validate()
    run(benchmark, payloads, validate)
