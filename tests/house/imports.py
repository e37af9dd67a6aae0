"""Reads what a module imports from its source, without importing it."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Import:
    """One import.

    Attributes:
        importer: the full name of the module that has it.
        module: the full name of what is imported.
        line: where it stands.
        for_types: whether only type checkers see it.
    """

    importer: str
    module: str
    line: int
    for_types: bool = False


def read_package(directory: Path) -> dict[str, str]:
    """Give the source of each module of the package in `directory` by its full name."""
    sources = {}
    for path in sorted(directory.rglob("*.py")):
        parts = path.relative_to(directory.parent).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        sources[name] = path.read_text(encoding="utf-8")
    return sources


def imports_of(name: str, sources: Mapping[str, str], *, is_package: bool) -> list[Import]:
    """List what the module `name` imports, at run time or for type checkers."""
    found = []
    for node, for_types in _nodes(ast.parse(sources[name]), False):
        match node:
            case ast.Import():
                modules = [alias.name for alias in node.names]
            case ast.ImportFrom():
                base = _base(name, node, is_package=is_package)
                inner = [f"{base}.{alias.name}" for alias in node.names]
                modules = [module if module in sources else base for module in inner]
            case _:
                continue
        found += [Import(name, module, node.lineno, for_types) for module in modules]
    return found


def packages_in(directory: Path) -> set[str]:
    """Name the package in `directory` and those inside it."""
    parents = (path.parent.relative_to(directory.parent) for path in directory.rglob("__init__.py"))
    return {".".join(parent.parts) for parent in parents}


def _base(name: str, node: ast.ImportFrom, *, is_package: bool) -> str:
    """Resolve the module after `from`."""
    if node.level == 0:
        return node.module or ""
    parts = name.split(".")
    keep = len(parts) - node.level + is_package
    return ".".join([*parts[:keep], *([node.module] if node.module else [])])


def _nodes(tree: ast.AST, for_types: bool) -> Iterator[tuple[ast.AST, bool]]:
    """Walk the tree; tell of each node whether it is inside `if TYPE_CHECKING:`."""
    for node in ast.iter_child_nodes(tree):
        yield node, for_types
        if isinstance(node, ast.If) and _is_type_checking(node.test):
            for part, inside in ((node.body, True), (node.orelse, for_types)):
                for other in part:
                    yield other, inside
                    yield from _nodes(other, inside)
        else:
            yield from _nodes(node, for_types)


def _is_type_checking(test: ast.expr) -> bool:
    return isinstance(test, ast.Name) and test.id == "TYPE_CHECKING"
