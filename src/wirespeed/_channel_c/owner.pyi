from wirespeed._channel.owner import ClosingState as ClosingState, PeerWatch as PeerWatch
