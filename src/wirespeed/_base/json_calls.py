"""What a type checker sees of the methods that decode JSON; not used at run time.

The compiled data path cannot have overloads.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any, Protocol, TypeVar, overload

Value = TypeVar("Value")


class ReceiveJson(Protocol):
    """The method `receive_json`."""

    @overload
    def __call__(self, timeout: float | None = None) -> Coroutine[Any, Any, Any]: ...
    @overload
    def __call__(
        self, timeout: float | None = None, *, loads: Callable[[Any], Value]
    ) -> Coroutine[Any, Any, Value]: ...
    @overload
    def __call__(
        self, timeout: float | None = None, *, type: type[Value]
    ) -> Coroutine[Any, Any, Value]: ...
    @overload
    def __call__(
        self, timeout: float | None = None, *, type: object
    ) -> Coroutine[Any, Any, Any]: ...


class IterateJson(Protocol):
    """The method `json`."""

    @overload
    def __call__(self) -> AsyncIterator[Any]: ...
    @overload
    def __call__(self, *, loads: Callable[[Any], Value]) -> AsyncIterator[Value]: ...
    @overload
    def __call__(self, *, type: type[Value]) -> AsyncIterator[Value]: ...
    @overload
    def __call__(self, *, type: object) -> AsyncIterator[Any]: ...
