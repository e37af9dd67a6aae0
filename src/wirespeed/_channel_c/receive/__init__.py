"""The receiving half of the data path: the message queue and everything that waits for it.

Compiled from the source of `wirespeed._channel.receive`.
"""
