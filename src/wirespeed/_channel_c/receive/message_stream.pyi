from wirespeed._channel.receive.message_stream import (
    MessageStream as MessageStream,
    ReceiveChunk as ReceiveChunk,
)
