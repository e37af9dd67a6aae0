"""`wirespeed serve`: servers to try a client out, on `wirespeed.testing`'s server."""
