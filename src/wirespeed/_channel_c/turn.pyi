from wirespeed._channel.turn import Turn as Turn
