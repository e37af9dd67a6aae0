"""Drop-in faces of other libraries: change one import, keep the program.

Must not be imported by anything but programs: each face is a module of its own, loaded when used.
"""
