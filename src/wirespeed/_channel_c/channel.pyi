from wirespeed._channel.channel import (
    Batches as Batches,
    Channel as Channel,
    Messages as Messages,
)
