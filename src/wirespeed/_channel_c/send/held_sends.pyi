from wirespeed._channel.send.held_sends import HeldSends as HeldSends
