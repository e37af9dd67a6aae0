from wirespeed._channel.send.sender import Sender as Sender
