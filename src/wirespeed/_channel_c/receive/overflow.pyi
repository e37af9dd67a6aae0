from wirespeed._channel.receive.overflow import (
    Bounds as Bounds,
    CloseWhenFull as CloseWhenFull,
    DropNewest as DropNewest,
    DropOldest as DropOldest,
    Dropping as Dropping,
    Drops as Drops,
    bound as bound,
)
