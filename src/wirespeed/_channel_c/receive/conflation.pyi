from wirespeed._channel.receive.conflation import Conflation as Conflation
