"""`wirespeed demo`: a stream of market ticks from a server in another process."""
