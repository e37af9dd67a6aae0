from wirespeed._channel.receive.message import (
    Message as Message,
    Stamped as Stamped,
    stamp as stamp,
    stamp_of as stamp_of,
    unstamped as unstamped,
)
