from wirespeed._channel.stream_receiving import (
    MessageStream as MessageStream,
    ReceiveChunk as ReceiveChunk,
)
