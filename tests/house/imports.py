"""Reads what a module imports from its source, without importing it.

Knows nothing of which imports are allowed.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Import:
    """One imported module, by its full name, and where."""

    importer: str
    module: str
    line: int


def read_package(directory: Path) -> dict[str, str]:
    """Give the source of each module of the package in `directory` by its full name."""
    sources = {}
    for path in sorted(directory.rglob("*.py")):
        parts = path.relative_to(directory.parent).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        sources[name] = path.read_text(encoding="utf-8")
    return sources


def imports_of(name: str, sources: Mapping[str, str], *, is_package: bool) -> list[Import]:
    """List what the module `name` imports when it runs; what only type checkers see is left out."""
    found = []
    for node in _running_nodes(ast.parse(sources[name])):
        match node:
            case ast.Import():
                found += [Import(name, alias.name, node.lineno) for alias in node.names]
            case ast.ImportFrom():
                base = _base(name, node, is_package=is_package)
                for alias in node.names:
                    module = f"{base}.{alias.name}"
                    found.append(Import(name, module if module in sources else base, node.lineno))
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


def _running_nodes(tree: ast.AST) -> Iterator[ast.AST]:
    """Walk the tree past the bodies of `if TYPE_CHECKING:`."""
    for node in ast.iter_child_nodes(tree):
        yield node
        if isinstance(node, ast.If) and _is_type_checking(node.test):
            for other in node.orelse:
                yield other
                yield from _running_nodes(other)
        else:
            yield from _running_nodes(node)


def _is_type_checking(test: ast.expr) -> bool:
    return isinstance(test, ast.Name) and test.id == "TYPE_CHECKING"
