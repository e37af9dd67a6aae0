"""The sending half of the data path: frames gathered into few writes.

Compiled from the source of `wirespeed._channel.send`.
"""
