from wirespeed._channel.reading import (
    Reading as Reading,
)
