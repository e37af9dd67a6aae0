from wirespeed._channel.receive.read_flow import ReadFlow as ReadFlow
