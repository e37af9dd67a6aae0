"""The command line: `wirespeed connect`, `record`, `replay` and `demo`."""
