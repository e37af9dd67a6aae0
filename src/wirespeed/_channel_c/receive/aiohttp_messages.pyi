from wirespeed._channel.receive.aiohttp_messages import (
    ReceiveTyped as ReceiveTyped,
    TypedReceiver as TypedReceiver,
    WSMessage as WSMessage,
)
