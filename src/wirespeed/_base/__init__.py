"""Values, checks and constants that every other module may use.

Imports nothing else of the package, and does no I/O.
"""
