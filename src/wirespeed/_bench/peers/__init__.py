"""The clients that are compared, one module each; each is imported by its own worker alone."""
