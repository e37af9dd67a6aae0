from wirespeed._channel.held import (
    Held as Held,
)
