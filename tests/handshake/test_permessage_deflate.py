"""The compression offer, and every answer that a server may or may not give to it."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace
from typing import Any

import pytest

from wirespeed import Deflate
from wirespeed._handshake.opening_handshake import OpeningHandshake
from wirespeed._handshake.permessage_deflate import IllegalAnswer, agreed, as_deflate, offer
from wirespeed._handshake.request import Ask
from wirespeed._handshake.url import parse_url
from wirespeed.exceptions import HandshakeError

NAME = "permessage-deflate"
BOTH_ALONE = "server_no_context_takeover; client_no_context_takeover"
PLAIN = Deflate()
LIMITED = Deflate(server_max_window_bits=10, client_max_window_bits=12)
ALONE = Deflate(server_no_context_takeover=True, client_no_context_takeover=True)
# The result if a server agrees with only the bare name.
BARE = Deflate(server_max_window_bits=15, client_max_window_bits=15)
SERVER_ALONE = replace(BARE, server_no_context_takeover=True)
CLIENT_ALONE = replace(BARE, client_no_context_takeover=True)


@pytest.mark.parametrize(
    ("deflate", "expected"),
    [
        (PLAIN, "permessage-deflate; client_max_window_bits"),
        (Deflate(level=1, threshold=9), "permessage-deflate; client_max_window_bits"),
        (
            LIMITED,
            "permessage-deflate; server_max_window_bits=10; client_max_window_bits=12",
        ),
        (
            ALONE,
            f"{NAME}; {BOTH_ALONE}; client_max_window_bits",
        ),
        (
            replace(ALONE, server_max_window_bits=8, client_max_window_bits=15),
            f"{NAME}; {BOTH_ALONE}; server_max_window_bits=8; client_max_window_bits=15",
        ),
    ],
)
def test_offers(deflate: Deflate, expected: str) -> None:
    assert offer(deflate) == expected


@pytest.mark.parametrize(
    ("offered", "answers", "expected"),
    [
        (PLAIN, [], None),
        (PLAIN, [""], None),
        (None, [" \t"], None),
        (PLAIN, [NAME], BARE),
        (PLAIN, ["", NAME], BARE),
        (PLAIN, [f"  {NAME}\t"], BARE),
        (PLAIN, [f",{NAME} ,,"], BARE),
        (PLAIN, ["Permessage-Deflate"], BARE),
        (PLAIN, [f"{NAME}; server_no_context_takeover"], SERVER_ALONE),
        (PLAIN, [f"{NAME};client_no_context_takeover"], CLIENT_ALONE),
        (
            PLAIN,
            [f"{NAME}; client_no_context_takeover ;\tserver_no_context_takeover"],
            replace(SERVER_ALONE, client_no_context_takeover=True),
        ),
        (
            PLAIN,
            [f"{NAME}; server_max_window_bits=8"],
            replace(BARE, server_max_window_bits=8),
        ),
        (
            PLAIN,
            [f'{NAME}; server_max_window_bits="10"'],
            replace(BARE, server_max_window_bits=10),
        ),
        (
            PLAIN,
            [f'{NAME}; client_max_window_bits="1\\1"'],
            replace(BARE, client_max_window_bits=11),
        ),
        (
            PLAIN,
            [f"{NAME}; client_max_window_bits = 8; server_max_window_bits=15"],
            replace(BARE, client_max_window_bits=8),
        ),
        (
            LIMITED,
            [f"{NAME}; server_max_window_bits=10"],
            replace(BARE, server_max_window_bits=10, client_max_window_bits=12),
        ),
        (
            LIMITED,
            [f"{NAME}; client_max_window_bits=9; server_max_window_bits=9"],
            replace(BARE, server_max_window_bits=9, client_max_window_bits=9),
        ),
        (
            ALONE,
            [f"{NAME}; server_no_context_takeover"],
            replace(SERVER_ALONE, client_no_context_takeover=True),
        ),
        (
            Deflate(level=3, mem_level=4, threshold=5),
            [NAME],
            replace(BARE, level=3, mem_level=4, threshold=5),
        ),
    ],
)
def test_answers_that_are_legal(
    offered: Deflate | None, answers: list[str], expected: Deflate | None
) -> None:
    assert agreed(offered, answers) == expected


MALFORMED = "header Sec-WebSocket-Extensions is malformed (RFC 6455 section 9.1)"


def has(what: str, section: str) -> str:
    return f"server's answer to the offer of permessage-deflate {what} (RFC 7692 section {section})"


def bits(name: str, value: str) -> str:
    return has(f"has {name}={value!r}, 8 to 15 are allowed", "7.1.2")


ILLEGAL = [
    (None, [NAME], f"server chose the extension {NAME!r}, none was offered (RFC 6455 section 4.1)"),
    (None, ["x; y"], "server chose the extension 'x', none was offered (RFC 6455 section 4.1)"),
    *(
        (
            PLAIN,
            [other],
            f"server chose the extension {other!r}, {NAME!r} was offered (RFC 6455 section 4.1)",
        )
        for other in ("deflate", "x-webkit-deflate-frame", "permessage-bzip2")
    ),
    *(
        (PLAIN, answers, "server chose 2 extensions, one was offered (RFC 6455 section 4.1)")
        for answers in (
            [f"{NAME}, {NAME}"],
            [NAME, NAME],
            [f"{NAME}; server_no_context_takeover,x"],
        )
    ),
    (
        PLAIN,
        [f"x, {NAME}"],
        f"server chose the extension 'x', {NAME!r} was offered (RFC 6455 section 4.1)",
    ),
    *(
        (PLAIN, [f"{NAME}; {name}"], has(f"has the unknown parameter {name!r}", "7.1"))
        for name in ("server_context_takeover", "max_window_bits", "mem_level", "x")
    ),
    (PLAIN, [f"{NAME}; x=1"], has("has the unknown parameter 'x'", "7.1")),
    *(
        (PLAIN, [f"{NAME}; {name}; {name}"], has(f"has {name} twice", "7.1"))
        for name in ("server_no_context_takeover", "client_no_context_takeover")
    ),
    *(
        (PLAIN, [f"{NAME}; {name}=9; {name}=9"], has(f"has {name} twice", "7.1"))
        for name in ("server_max_window_bits", "client_max_window_bits")
    ),
    *(
        (
            PLAIN,
            [f"{NAME}; {name}={value}"],
            has(f"has {name} with a value, none is allowed", "7.1.1"),
        )
        for name in ("server_no_context_takeover", "client_no_context_takeover")
        for value in ("true", "1", '"yes"')
    ),
    *(
        (PLAIN, [f"{NAME}; {name}"], has(f"has {name} without a value", "7.1.2"))
        for name in ("server_max_window_bits", "client_max_window_bits")
    ),
    *(
        (PLAIN, [f"{NAME}; {name}={value}"], bits(name, value))
        for name in ("server_max_window_bits", "client_max_window_bits")
        for value in ("7", "16", "0", "08", "010", "-9", "+9", "1e1", "0x9", "150", "nine")
    ),
    (PLAIN, [f'{NAME}; server_max_window_bits="016"'], bits("server_max_window_bits", "016")),
    *(
        (
            LIMITED,
            [f"{NAME}; server_max_window_bits={server}; client_max_window_bits={client}"],
            has(f"has {name}, at most {most} was offered", "7.1.2"),
        )
        for server, client, name, most in (
            (11, 12, "server_max_window_bits=11", 10),
            (10, 13, "client_max_window_bits=13", 12),
        )
    ),
    *(
        (
            LIMITED,
            [answer],
            has("lacks server_max_window_bits, which was asked for", "7.1.2.1"),
        )
        for answer in (NAME, f"{NAME}; client_max_window_bits=10")
    ),
    *(
        (
            ALONE,
            [answer],
            has("lacks server_no_context_takeover, which was asked for", "7.1.1.1"),
        )
        for answer in (NAME, f"{NAME}; client_no_context_takeover")
    ),
    *(
        (PLAIN, [answer], MALFORMED)
        for answer in (
            f"{NAME};",
            f"{NAME};;server_no_context_takeover",
            f"{NAME}=1",
            f"{NAME} server_no_context_takeover",
            f"{NAME}; server_max_window_bits=",
            f"{NAME}; server_max_window_bits==9",
            f"{NAME}; =9",
            f'{NAME}; server_max_window_bits="9',
            f'{NAME}; server_max_window_bits=""',
            f'{NAME}; server_max_window_bits=" 9"',
            f'{NAME}; "server_no_context_takeover"',
            f'"{NAME}"',
            f"{NAME}; server_max_window_bits=9 9",
            f"{NAME}; (comment)",
            f"{NAME}/1",
            f"; {NAME}",
            "=",
            "\N{LATIN SMALL LETTER E WITH ACUTE}",
        )
    ),
]


@pytest.mark.parametrize(("offered", "answers", "text"), ILLEGAL)
def test_answers_that_are_not(offered: Deflate | None, answers: list[str], text: str) -> None:
    with pytest.raises(IllegalAnswer) as caught:
        agreed(offered, answers)
    assert str(caught.value) == text


def test_a_long_name_is_cut() -> None:
    with pytest.raises(IllegalAnswer) as caught:
        agreed(None, ["x" * 5000])
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    ("given", "expected"),
    [(None, None), ("deflate", PLAIN), (LIMITED, LIMITED)],
)
def test_the_argument_of_connect(given: Any, expected: Deflate | None) -> None:
    assert as_deflate(given) == expected


@pytest.mark.parametrize(
    ("given", "error", "text"),
    [
        ("gzip", ValueError, "compression must be None, 'deflate' or Deflate, not 'gzip'"),
        (15, TypeError, "compression must be None, 'deflate' or Deflate, not int"),
        (True, TypeError, "compression must be None, 'deflate' or Deflate, not bool"),
    ],
)
def test_what_connect_does_not_take(given: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error) as caught:
        as_deflate(given)
    assert str(caught.value) == text


@pytest.mark.parametrize(
    ("field", "value", "error", "text"),
    [
        ("server_max_window_bits", 7, ValueError, "must be 8 to 15, not 7"),
        ("server_max_window_bits", 16, ValueError, "must be 8 to 15, not 16"),
        ("client_max_window_bits", 0, ValueError, "must be 8 to 15, not 0"),
        ("client_max_window_bits", "9", TypeError, "must be int, not str"),
        ("client_max_window_bits", True, TypeError, "must be int, not bool"),
        ("server_no_context_takeover", 1, TypeError, "must be True or False, not int"),
        ("client_no_context_takeover", None, TypeError, "must be True or False, not NoneType"),
        ("level", 10, ValueError, "must be -1 to 9, not 10"),
        ("level", -2, ValueError, "must be -1 to 9, not -2"),
        ("level", None, TypeError, "must be int, not NoneType"),
        ("mem_level", 0, ValueError, "must be 1 to 9, not 0"),
        ("mem_level", 10, ValueError, "must be 1 to 9, not 10"),
        ("threshold", -1, ValueError, "must be 0 or more, not -1"),
        ("threshold", 1.5, TypeError, "must be int, not float"),
    ],
)
def test_settings_that_cannot_be(field: str, value: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error) as caught:
        Deflate(**{field: value})
    assert str(caught.value) == f"{field} {text}"


def test_settings_do_not_change() -> None:
    with pytest.raises(FrozenInstanceError):
        PLAIN.level = 1  # type: ignore[misc]


def opening(compression: Any) -> OpeningHandshake:
    return OpeningHandshake(
        parse_url("ws://example.com/"), Ask(compression=compression), key=bytes(16)
    )


def test_the_request_offers_it() -> None:
    line = b"\r\nSec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"
    assert line in opening("deflate").request()
    assert b"Extensions" not in opening(None).request()
    with pytest.raises(ValueError, match="not 'zip'"):
        opening("zip")


def test_the_handshake_tells_what_was_agreed() -> None:
    shaking = opening("deflate")
    accept = b"Sec-WebSocket-Accept: ICX+Yqv66kxgM0FcWaLWlFLwTAI=\r\n"
    head = b"HTTP/1.1 101 OK\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" + accept
    assert shaking.receive_data(head + b"Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n")
    assert shaking.result().status == 101
    assert shaking.compression == BARE


def test_the_handshake_refuses_an_illegal_answer() -> None:
    shaking = opening("deflate")
    accept = b"Sec-WebSocket-Accept: ICX+Yqv66kxgM0FcWaLWlFLwTAI=\r\n"
    head = b"HTTP/1.1 101 OK\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" + accept
    assert shaking.receive_data(head + b"Sec-WebSocket-Extensions: permessage-deflate; x\r\n\r\n")
    with pytest.raises(HandshakeError) as caught:
        shaking.result()
    assert str(caught.value) == has("has the unknown parameter 'x'", "7.1")
    assert caught.value.status == 101
    assert shaking.compression is None
