"""`wirespeed bench`: compares wirespeed with other clients, each in a separate process.

The library imports nothing from here. Each of the other clients is imported only by its own worker.
"""
