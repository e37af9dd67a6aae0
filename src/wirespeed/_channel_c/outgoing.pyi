from wirespeed._channel.outgoing import (
    Draining as Draining,
    Outgoing as Outgoing,
    Settled as Settled,
)
