"""Drop-in interfaces of other libraries: change one import, keep the program.

Only programs import from here: the library itself does not. Each interface is a separate module,
loaded when it is imported. `install` puts one in the place of its library.
"""

from __future__ import annotations

from ._installing import install, uninstall

__all__ = ["install", "uninstall"]
