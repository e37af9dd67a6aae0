from wirespeed._channel.send.outbox import (
    Draining as Draining,
    Outbox as Outbox,
    Settled as Settled,
)
