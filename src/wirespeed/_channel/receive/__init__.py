"""The receiving half of the data path: the message queue and everything that waits for it."""
