"""HTTP headers: a mapping that ignores case and may have several values for a name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from typing import Any, Protocol, TypeAlias

from multidict import CIMultiDict

from .exceptions import InvalidHeaderValue

__all__ = ["Headers", "HeadersLike", "MultipleValuesError", "SupportsKeysAndGetItem"]


class MultipleValuesError(LookupError):
    """`Headers.__getitem__` has found several values."""

    def __str__(self) -> str:
        return repr(self.args[0]) if len(self.args) == 1 else super().__str__()


class Headers(MutableMapping[str, str]):
    """HTTP headers. Setting a header adds a value, deleting one removes all its values."""

    __slots__ = ("_items",)

    def __init__(self, *args: HeadersLike, **kwargs: str) -> None:
        self._items: CIMultiDict[str] = CIMultiDict()
        self.update(*args, **kwargs)

    def __str__(self) -> str:
        return "".join(f"{name}: {value}\r\n" for name, value in self.raw_items()) + "\r\n"

    def __repr__(self) -> str:
        return f"{type(self).__name__}({list(self.raw_items())!r})"

    def copy(self) -> Headers:
        """Return a copy."""
        return type(self)(self.raw_items())

    def serialize(self) -> bytes:
        """Return the lines of a request or a response."""
        return str(self).encode("latin-1")

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and key in self._items

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys(name.lower() for name in self._items))

    def __len__(self) -> int:
        return len(set(map(str.lower, self._items)))

    def __getitem__(self, key: str) -> str:
        values = self._items.getall(key)
        if len(values) > 1:
            raise MultipleValuesError(key)
        return values[0]

    def __setitem__(self, key: str, value: str) -> None:
        if any(ord(char) > 255 or (ord(char) < 32 and char != "\t") for char in str(value)):
            raise InvalidHeaderValue(key, value)
        self._items.add(key, value)

    def __delitem__(self, key: str) -> None:
        self._items.popall(key)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Headers):
            return NotImplemented
        names = set(self)
        return names == set(other) and all(
            self.get_all(name) == other.get_all(name) for name in names
        )

    __hash__ = None  # type: ignore[assignment]

    def clear(self) -> None:
        """Remove all headers."""
        self._items.clear()

    def update(self, *args: Any, **kwargs: str) -> None:
        """Add the headers of mappings, `Headers` and pairs."""
        plain = [arg.raw_items() if isinstance(arg, Headers) else arg for arg in args]
        super().update(*plain, **kwargs)

    def get_all(self, key: str) -> list[str]:
        """Return all values of a header; an empty list if there are none."""
        return list(self._items.getall(key, ()))

    def raw_items(self) -> Iterator[tuple[str, str]]:
        """Iterate over names and values, with the names as they were written."""
        return iter(list(self._items.items()))


class SupportsKeysAndGetItem(Protocol):
    """What `dict` accepts as a mapping."""

    def keys(self) -> Iterable[str]:
        """The names."""

    def __getitem__(self, key: str) -> str:
        """The value of a name."""


HeadersLike: TypeAlias = (
    Headers | Mapping[str, str] | Iterable[tuple[str, str]] | SupportsKeysAndGetItem
)
