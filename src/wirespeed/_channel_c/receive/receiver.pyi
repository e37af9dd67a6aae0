from wirespeed._channel.receive.receiver import Receiver as Receiver
