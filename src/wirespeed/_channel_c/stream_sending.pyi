from wirespeed._channel.stream_sending import (
    Lazily as Lazily,
    OutgoingStream as OutgoingStream,
)
