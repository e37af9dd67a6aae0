"""Values of Sec-WebSocket-Extensions: what is agreed keeps to the offer, and can be said again."""

from __future__ import annotations

from fuzz.source import Source
from wirespeed import Deflate
from wirespeed._handshake.permessage_deflate import IllegalAnswer, agreed

_BITS = (None, 8, 9, 12, 15)


def one_input(data: bytes) -> None:
    """Agree on one or two values."""
    source = Source(data)
    offered = None
    if choice := source.byte():
        offered = Deflate(
            server_max_window_bits=source.one_of(_BITS),
            client_max_window_bits=source.one_of(_BITS),
            server_no_context_takeover=bool(choice & 2),
            client_no_context_takeover=bool(choice & 4),
        )
    text = source.rest().decode("latin-1")
    try:
        settings = agreed(offered, text.split("\n", 1))
    except IllegalAnswer as fault:
        assert "\n" not in str(fault)
        return
    if settings is None:
        assert not text.strip(" \t\n,")
        return
    assert offered is not None
    _check_limits(offered, settings)
    assert agreed(offered, [_answer(settings)]) == settings


def _check_limits(offered: Deflate, settings: Deflate) -> None:
    for name in ("server_max_window_bits", "client_max_window_bits"):
        bits = getattr(settings, name)
        assert 8 <= bits <= (getattr(offered, name) or 15)
    assert settings.server_no_context_takeover >= offered.server_no_context_takeover
    assert settings.client_no_context_takeover >= offered.client_no_context_takeover


def _answer(settings: Deflate) -> str:
    """Write the settings as a server does that agrees to them."""
    answer = (
        "permessage-deflate"
        f"; server_max_window_bits={settings.server_max_window_bits}"
        f'; client_max_window_bits="{settings.client_max_window_bits}"'
    )
    for name in ("server_no_context_takeover", "client_no_context_takeover"):
        answer += f"; {name}" if getattr(settings, name) else ""
    return answer
