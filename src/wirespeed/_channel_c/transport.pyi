from wirespeed._channel.transport import (
    SocketTransport as SocketTransport,
)
