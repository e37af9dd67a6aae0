"""`wirespeed bench`: wirespeed and other clients side by side, each in a process of its own.

Nothing of the library imports from here, and no other client is imported but by its own worker.
"""
