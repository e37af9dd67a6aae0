from wirespeed._channel.typed import (
    ReceiveTyped as ReceiveTyped,
    TypedReceiver as TypedReceiver,
    WSMessage as WSMessage,
)
