"""The command line: `wirespeed connect` and `wirespeed demo`."""
