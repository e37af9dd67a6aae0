from wirespeed._channel.sending import (
    Sender as Sender,
)
