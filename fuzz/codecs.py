"""Both codecs, and their results as values that can be compared."""

from __future__ import annotations

import importlib
import os
from typing import Any, Final

import reference
from twins.driving import Codec

from wirespeed._base.rfc6455 import Binary, Control, Fragment


def _codecs() -> list[Codec]:
    names = ["wirespeed._codec.pure"]
    try:
        importlib.import_module("wirespeed._codec._core")
    except ImportError:
        if os.environ.get("WIRESPEED_REQUIRE_EXTENSION") == "1":
            raise
    else:
        names.append("wirespeed._codec._core")
    codecs: list[Any] = [importlib.import_module(name) for name in names]
    return codecs


CODECS: Final = _codecs()


def comparable(value: Any) -> Any:
    """Return a value that equals that of the other codec if the results are equal."""
    if isinstance(value, reference.Outcome):
        messages = [comparable(each) for each in value.messages]
        return messages, value.controls, value.close, value.error
    if isinstance(value, Binary):
        return [value.data]
    if isinstance(value, Control):
        return ("control", value.opcode, value.payload)
    if isinstance(value, Fragment):
        return ("fragment", value.data, value.is_text, value.fin)
    return value
