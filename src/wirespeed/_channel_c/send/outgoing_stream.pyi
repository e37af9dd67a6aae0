from wirespeed._channel.send.outgoing_stream import (
    Lazily as Lazily,
    OutgoingStream as OutgoingStream,
)
