"""Decodes messages with a function that the program passes, or with one made for a type.

Does not import msgspec or pydantic before a type needs one of them.
"""

from __future__ import annotations

import typing
from collections.abc import Callable
from importlib import import_module
from threading import Lock
from typing import Any

# Making a decoder takes 1000 times as long as looking it up. The limit is for programs that make
# up new types as they run.
MAX_DECODERS = 256
STAYS_QUEUED = "the message stays queued; receive_nowait() takes it as it is"

_DECODERS: dict[Any, Callable[[Any], Any]] = {}
_MAKING = Lock()


def decoded(decode: Callable[[Any], Any], data: Any) -> Any:
    """Decode the data of a message."""
    try:
        return decode(data)
    except StopIteration as exc:
        # Raised from a `__next__`, it would count as the result.
        raise RuntimeError("the decoder raised StopIteration") from exc


def note_queued(exc: BaseException) -> None:
    """Let the error of a decoder say where the message is."""
    if STAYS_QUEUED not in getattr(exc, "__notes__", ()):
        exc.add_note(STAYS_QUEUED)


def decoder_of(loads: Any, type: Any, default: Any) -> Any:
    """Return the function that decodes a message.

    Args:
        loads: the function that the program has passed, or `None`.
        type: the type that the program wants, or `None`.
        default: the function for neither.

    Raises:
        TypeError: both are given, `loads` cannot be called, or no JSON becomes this type.
        ImportError: neither msgspec nor pydantic is installed.
    """
    if type is None:
        if loads is None:
            return default
        if not callable(loads):
            raise TypeError("loads must be callable")
        return loads
    if loads is not None:
        raise TypeError("loads and type exclude each other: loads decides what it returns")
    try:
        decode = _DECODERS.get(type)
    except TypeError:
        # Not hashable, for example because of metadata in `Annotated`.
        return _make_decoder(type)
    return _remember_decoder(type) if decode is None else decode


def _remember_decoder(type: Any) -> Any:
    decode = _make_decoder(type)
    with _MAKING:
        if len(_DECODERS) >= MAX_DECODERS:
            del _DECODERS[next(iter(_DECODERS))]
        _DECODERS[type] = decode
    return decode


def _make_decoder(type: Any) -> Any:
    wanted = ("pydantic",) if _is_of_pydantic(type) else ("msgspec", "pydantic")
    for name in wanted:
        try:
            package = import_module("msgspec.json" if name == "msgspec" else name)
        except ModuleNotFoundError as exc:
            if (exc.name or "").partition(".")[0] != name:
                raise
            continue
        if name == "msgspec":
            return package.Decoder(type).decode
        return package.TypeAdapter(type).validate_json
    raise ImportError(
        "type= needs msgspec or pydantic, and neither is installed:"
        ' pip install msgspec, or pass loads= (for example "loads=json.loads")'
    )


def _is_of_pydantic(type: Any) -> bool:
    """Return whether the type, or one that it is made of, has rules that only pydantic knows."""
    if hasattr(type, "__get_pydantic_core_schema__") or hasattr(type, "__pydantic_validator__"):
        return True
    if type.__class__.__module__.partition(".")[0] in {"pydantic", "annotated_types"}:
        return True
    parts = (*typing.get_args(type), *getattr(type, "__metadata__", ()))
    return any(map(_is_of_pydantic, parts))
