"""The messages of `aiohttp`, made in the data path."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ..._codec import backend
from ._names import WSMsgType

if TYPE_CHECKING or not backend.COMPILED:
    from ..._channel import TypedReceiver, WSMessage
else:
    from ..._channel_c import TypedReceiver, WSMessage

__all__ = ["CLOSED", "CLOSING", "TypedReceiver", "WSMessage"]

CLOSING: Final = WSMessage(WSMsgType.CLOSING, None, None)
CLOSED: Final = WSMessage(WSMsgType.CLOSED, None, None)
