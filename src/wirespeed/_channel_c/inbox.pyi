from wirespeed._channel.inbox import (
    Inbox as Inbox,
    Message as Message,
    Receive as Receive,
    ReceiveBytes as ReceiveBytes,
    ReceiveJson as ReceiveJson,
    ReceiveMany as ReceiveMany,
    ReceiveMessage as ReceiveMessage,
    ReceiveText as ReceiveText,
)
