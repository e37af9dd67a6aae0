from wirespeed._channel.receive.receives import (
    Batches as Batches,
    Messages as Messages,
    ReceiveBytes as ReceiveBytes,
    ReceiveJson as ReceiveJson,
    ReceiveMany as ReceiveMany,
    ReceiveMessage as ReceiveMessage,
    ReceiveProtocol as ReceiveProtocol,
    ReceiveText as ReceiveText,
    Values as Values,
)
