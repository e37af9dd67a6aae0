"""Other clients' own tests, run over the faces that stand for these clients."""
