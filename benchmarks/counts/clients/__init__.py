"""The clients that are counted, one module each; a worker imports one of them only."""
