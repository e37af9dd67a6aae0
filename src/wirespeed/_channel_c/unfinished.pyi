from wirespeed._channel.unfinished import (
    Chunks as Chunks,
    Unfinished as Unfinished,
)
