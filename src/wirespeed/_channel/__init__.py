"""The data path of a connection: everything that runs for each message.

Must not know how a connection is opened or closed.
`wirespeed._channel_c` is the same source, compiled.
"""

from .channel import Channel
from .link import Link, LinkProtocol
from .message import Message
from .stream_receiving import MessageStream
from .transport import SocketTransport
from .typed import TypedReceiver, WSMessage

__all__ = [
    "Channel",
    "Link",
    "LinkProtocol",
    "Message",
    "MessageStream",
    "SocketTransport",
    "TypedReceiver",
    "WSMessage",
]
