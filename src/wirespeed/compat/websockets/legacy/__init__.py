"""The old client of `websockets`."""
