"""The code that decides a result, as a digest: a changed measurement must not find its old results."""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import inspect
import sys
from collections.abc import Iterator
from pathlib import Path

from cimspice.circuits import Bench
from cimspice.errors import CimspiceError

_BENCH = Path(inspect.getfile(Bench)).resolve()
_CIRCUITS = _BENCH.parent


def code_digest(bench: type[Bench]) -> str:
    """SHA-256 (hexadecimal) of the sources that measure: the bench's module, those of its bases, and what
    they import from their own folder or from ``cimspice.circuits``; ``cimspice.circuits.bench`` itself is
    left out.

    Raises
    ------
    CimspiceError
        If a source is not to be had (a class typed at a prompt): its results could not be told apart later.
    """
    digest = hashlib.sha256()
    for name, source in sorted(_sources(bench).items()):
        digest.update(name.encode() + b"\0" + source + b"\0")
    return digest.hexdigest()


def own_modules(bench: type[Bench]) -> dict[str, bytes]:
    """Name and source of the modules of `code_digest` that a user wrote as plain files: those of no package.
    Another machine may not have them.
    """
    sources = _sources(bench)
    return {name: source for name, source in sources.items() if "." not in name and name != "__main__"}


def _sources(bench: type[Bench]) -> dict[str, bytes]:
    """Module -> source, as `code_digest` says."""
    pending = [base.__module__ for base in bench.__mro__ if issubclass(base, Bench)]
    sources: dict[str, bytes] = {}
    while pending:
        name = pending.pop()
        path = _file(name)
        if name in sources or path == _BENCH:
            continue
        try:
            sources[name] = path.read_bytes() if path else b""
        except OSError:
            path = None
        if path is None:
            raise CimspiceError(
                f"the source of bench {bench.__qualname__} cannot be read",
                place=name,
                remedy="put the bench into a file and import it from there",
            )
        pending.extend(_neighbours(name, path, sources[name]))
    return sources


def _file(name: str) -> Path | None:
    module = sys.modules.get(name)
    origin = getattr(module, "__file__", None)
    if origin is None:
        try:
            spec = importlib.util.find_spec(name)
        except (ImportError, ValueError):
            return None
        origin = spec.origin if spec is not None else None
    return Path(origin).resolve() if origin and origin.endswith(".py") else None


def _neighbours(name: str, path: Path, source: bytes) -> Iterator[str]:
    """Imported modules that lie in the folder of ``path`` or below ``cimspice.circuits``."""
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    for imported in _imports(ast.parse(source), package):
        file = _file(imported)
        near = file is not None and (file.parent == path.parent or file.is_relative_to(_CIRCUITS))
        if file is not None and near and file.name != "__init__.py":
            yield imported


def _imports(tree: ast.AST, package: str) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            origin = "." * node.level + (node.module or "")
            origin = importlib.util.resolve_name(origin, package) if node.level else origin
            yield origin
            yield from (f"{origin}.{alias.name}" for alias in node.names)
