from wirespeed._channel.receive.one_queue import (
    Message as Message,
    MessageType as MessageType,
    OneQueue as OneQueue,
    ReceiveOfType as ReceiveOfType,
    ReceiveTagged as ReceiveTagged,
    UnexpectedMessage as UnexpectedMessage,
)
