"""Packages whose names are imported when they are first used, so that to import the package costs nothing."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import Any


def lazy(package: str) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """``__getattr__`` and ``__dir__`` of a package.

    The package writes its imports once, under ``if TYPE_CHECKING:``, where type checkers read them and Python
    does not; they are followed one by one as their names are asked for. ``__all__`` says which are public::

        if TYPE_CHECKING:
            from edram.model.cell import Cell

        __all__ = ["Cell"]
        __getattr__, __dir__ = lazy(__name__)

    Parameters
    ----------
    package
        Its ``__name__``.
    """
    module = sys.modules[package]

    def get(name: str) -> Any:
        origins = {} if name.startswith("_") else _imports(package)
        if name not in origins:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        origin, original = origins[name]
        found = getattr(import_module(origin), original) if original else import_module(origin)
        setattr(module, name, found)
        return found

    def names() -> list[str]:
        return sorted({*module.__all__, *(name for name in vars(module) if name.startswith("__"))})

    return get, names


@cache
def _imports(package: str) -> dict[str, tuple[str, str]]:
    """Name -> module and name there of what is imported under ``if TYPE_CHECKING:``; of modules beside it
    (``from . import bench``), the module and no name."""
    import ast

    spec = sys.modules[package].__spec__
    loader: Any = spec.loader if spec else None
    found: dict[str, tuple[str, str]] = {}
    for block in ast.parse(loader.get_source(package)).body:
        if isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING":
            for line in block.body:
                for alias in line.names if isinstance(line, ast.ImportFrom) else ():
                    beside = isinstance(line, ast.ImportFrom) and line.module is None
                    origin = f"{package}.{alias.name}" if beside else str(getattr(line, "module", ""))
                    found[alias.asname or alias.name] = (origin, "" if beside else alias.name)
    return found
