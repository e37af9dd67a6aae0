from wirespeed._channel.receive.partial_message import (
    Chunks as Chunks,
    PartialMessage as PartialMessage,
)
