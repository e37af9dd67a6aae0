"""The clients to compare, one module each; only a client's own worker imports its module."""
