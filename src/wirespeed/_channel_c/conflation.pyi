from wirespeed._channel.conflation import (
    Conflation as Conflation,
)
