from wirespeed._channel.receive.inbox import (
    Batches as Batches,
    Inbox as Inbox,
    Messages as Messages,
    Receive as Receive,
    ReceiveBytes as ReceiveBytes,
    ReceiveJson as ReceiveJson,
    ReceiveMany as ReceiveMany,
    ReceiveMessage as ReceiveMessage,
    ReceiveText as ReceiveText,
)
