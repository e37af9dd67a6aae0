from wirespeed._channel.receive.deadlines import Deadlines as Deadlines
