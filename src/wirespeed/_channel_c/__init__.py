"""The data path of a connection: everything that runs for each message.

Does not open or close connections. Compiled from the source of `wirespeed._channel`.
"""

from .channel import Channel
from .protocol import BufferedChannelProtocol, ChannelProtocol
from .receive.aiohttp_messages import TypedReceiver, WSMessage
from .receive.message import Message
from .receive.message_stream import MessageStream
from .receive.whole_messages import MessageReader
from .socket_transport import SocketTransport

__all__ = [
    "BufferedChannelProtocol",
    "Channel",
    "ChannelProtocol",
    "Message",
    "MessageReader",
    "MessageStream",
    "SocketTransport",
    "TypedReceiver",
    "WSMessage",
]
