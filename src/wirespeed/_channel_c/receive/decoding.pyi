from wirespeed._channel.receive.decoding import (
    decoded as decoded,
    decoder_of as decoder_of,
    note_queued as note_queued,
)
