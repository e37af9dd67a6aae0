"""What a feed's settings mean, and which of them cannot be used."""

from __future__ import annotations

from typing import Any

import pytest

import wirespeed
from wirespeed.relay import Feed
from wirespeed.relay._feed import conflation_key, id_maker, subject_maker
from wirespeed.relay._pointer import MISSING, compile_pointer, decode

URL = "ws://127.0.0.1:1/"


def feed(**settings: Any) -> Feed:
    """Make a feed with some settings."""
    return Feed(**{"name": "btc", "url": URL, **settings})


@pytest.mark.parametrize(
    ("pointer", "value"),
    [
        ("", {"a": [1, {"b/c": 2, "~": 3}], "": 4}),
        ("/a/0", 1),
        ("/a/1/b~1c", 2),
        ("/a/1/~0", 3),
        ("/", 4),
        ("/a/2", MISSING),
        ("/a/-", MISSING),
        ("/a/01", MISSING),
        ("/a/\u0661", MISSING),
        ("/b", MISSING),
        ("/a/0/x", MISSING),
    ],
)
def test_pointers(pointer: str, value: object) -> None:
    document = {"a": [1, {"b/c": 2, "~": 3}], "": 4}
    found = compile_pointer(pointer)(document)
    assert found is MISSING if value is MISSING else found == value


@pytest.mark.parametrize("pointer", ["a", "/~", "/~2"])
def test_no_pointers(pointer: str) -> None:
    with pytest.raises(ValueError, match="JSON pointer"):
        compile_pointer(pointer)


def test_a_message_that_is_not_json_has_no_values() -> None:
    assert decode("{") is MISSING
    assert decode("[" * 100_000) is MISSING
    assert decode(b"\xff") is MISSING
    assert compile_pointer("")(MISSING) is MISSING
    assert compile_pointer("/a")(MISSING) is MISSING


@pytest.mark.parametrize(
    ("template", "message", "subject"),
    [
        ("feeds.{feed}", {}, "feeds.btc"),
        ("{feed}.{/s}.{/n}", {"s": "A", "n": 1}, "btc.A.1"),
        ("x.{/s}", {"s": "a.b *>"}, "x.a_b_"),
        ("x.{/s}", {"s": ""}, "x._"),
        ("x.{/s}", {}, "x._"),
        ("x.{/s}", {"s": "a" * 1000}, "x." + "a" * 100),
    ],
)
def test_subjects(template: str, message: object, subject: str) -> None:
    assert subject_maker(feed(subject=template))(message) == subject


def test_ids() -> None:
    by_key = id_maker(feed(message_id="/n"))
    assert by_key({"n": 7}, b"", 0) == "btc:7"
    assert by_key({"n": "a-1"}, b"", 0) == "btc:a-1"
    # What could end a header, or has no end itself, is replaced by a digest.
    for key in ("a\r\nNats-Expected-Stream: x", "\u00e9", "", "a" * 1000, {"a": 1}):
        made = by_key({"n": key}, b"", 0)
        assert made is not None
        assert made.isascii()
        assert made.isprintable()
        assert len(made) < 120
        assert made == by_key({"n": key}, b"", 1)
    assert by_key({}, b"a", 0) == by_key({}, b"a", 1) != by_key({}, b"b", 0)
    by_hash = id_maker(feed(message_id="hash:5"))
    assert by_hash(None, b"a", 4.9) == by_hash(None, b"a", 0) != by_hash(None, b"a", 5)
    assert by_hash(None, b"a", 0) != by_hash(None, b"b", 0)
    assert id_maker(feed())(None, b"a", 0) is None


def test_keys_of_conflation() -> None:
    key_of = conflation_key(feed(overflow="conflate", conflate="/s"))
    assert key_of is not None
    text = wirespeed.MessageType.TEXT
    assert key_of(wirespeed.Message(text, '{"s": "A"}')) == "A"
    assert key_of(wirespeed.Message(text, "{}")) is None
    assert conflation_key(feed()) is None


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"name": "a.b"}, "name of a feed"),
        ({"name": ""}, "name of a feed"),
        ({"standby": 3}, "1 or 2"),
        ({"standby": 2}, "message_id"),
        ({"overflow": "close"}, "overflow is one of"),
        ({"overflow": "conflate"}, "need each other"),
        ({"conflate": "/s"}, "need each other"),
        ({"overflow": "conflate", "conflate": "s"}, "JSON pointer"),
        ({"message_id": "seq"}, "JSON pointer"),
        ({"message_id": "hash:0"}, "more than 0"),
        ({"subject": "a.{b}"}, "the subject has"),
        ({"subject": "a.{"}, "no template"),
        ({"subject": ""}, "no template"),
        ({"reconnect": wirespeed.Reconnect(on_open=print)}, "use subscribe"),
    ],
)
def test_settings_that_cannot_be_used(settings: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        feed(**settings)


def test_subscriptions_are_a_list() -> None:
    with pytest.raises(TypeError, match="list of strings"):
        feed(subscribe="hello")


def test_secrets_are_not_shown() -> None:
    made = feed(headers={"Authorization": "hidden"}, subscribe=["hidden"])
    assert "hidden" not in repr(made)
