"""A run of `wirespeed bench`: the processes of the server and the workers, and the measuring."""
