from wirespeed._channel.receive.whole_messages import (
    MessageReader as MessageReader,
    ReceiveWhole as ReceiveWhole,
)
