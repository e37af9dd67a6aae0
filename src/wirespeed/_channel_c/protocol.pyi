from wirespeed._channel.protocol import (
    BufferedChannelProtocol as BufferedChannelProtocol,
    ChannelProtocol as ChannelProtocol,
)
