"""A run of `wirespeed bench`: the server and the workers, each a process, and what they measure."""
