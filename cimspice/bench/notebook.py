"""A bench typed into a notebook or at a prompt, as a module that worker processes can import.

The module is written from the cells that the class needs: its own statement, and those that bind the names it
uses, again with what these use. A class of a file, a script's included, stays as it is.
"""

import ast
import atexit
import hashlib
import importlib
import linecache
import shutil
import symtable
import sys
import tempfile
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import TypeVar

from cimspice.errors import ParameterError
from cimspice.own_code import line_of

_Class = TypeVar("_Class", bound=type)
_REMEDY = "write the bench into a file, my_bench.py, and import it from there"
_PLAIN = (bool, int, float, complex, str, bytes, tuple, list, dict, set)


def typed(cls: type) -> bool:
    """Whether a class was typed into a notebook or at a prompt."""
    return cls.__module__ == "__main__" and not getattr(sys.modules["__main__"], "__file__", None)


def as_module(cls: _Class) -> _Class:
    """The same class from a module that is made of its cells.

    ParameterError if the cells are not to be had, or give something else when they are run anew.
    """
    given = vars(sys.modules["__main__"])
    names, source = _needed(cls.__name__, given)
    module = _module(f"notebook_{hashlib.sha256(source.encode()).hexdigest()[:16]}", source, cls.__name__)
    for name in names:
        if isinstance(given[name], _PLAIN) and vars(module).get(name) != given[name]:
            raise ParameterError(
                f"{name} of class {cls.__name__} was changed after the statement that set it", remedy=_REMEDY
            )
    return getattr(module, cls.__name__)


def _needed(wanted: str, given: dict[str, object]) -> tuple[set[str], str]:
    """Names that a class rests on, and the statements of the cells that bind them, in their order."""
    statements = list(_statements())
    binding: dict[str, list[int]] = {}
    for index, (node, _) in enumerate(statements):
        for name in _bound(node):
            earlier = binding.get(name, []) if isinstance(node, ast.AugAssign) else []
            binding[name] = [*earlier, index]
    names, chosen, waiting = set[str](), set[int](), [wanted]
    while waiting:
        name = waiting.pop()
        if name in names or name not in given:
            continue
        if name not in binding:
            raise ParameterError(
                f"the statement that binds {name}, which class {wanted} needs, is not to be had",
                remedy=_REMEDY,
            )
        names.add(name)
        chosen |= {*binding[name]}
        for index in binding[name]:
            waiting += _used(symtable.symtable(statements[index][1], "cell", "exec"))
    future = [
        text for node, text in statements if isinstance(node, ast.ImportFrom) and node.module == "__future__"
    ]
    body = [statements[index][1] for index in sorted(chosen)]
    return names, "\n\n".join([*dict.fromkeys(future), *(text for text in body if text not in future)]) + "\n"


def _statements() -> Iterator[tuple[ast.stmt, str]]:
    """Statements of all cells so far, with their text. Python's cache of lines holds the cells, without a
    time of change, as they are no files.
    """
    for entry in [*linecache.cache.values()]:
        if len(entry) != 4 or entry[1] is not None:
            continue
        try:
            tree = ast.parse("".join(entry[2]))
        except SyntaxError:
            continue
        yield from ((node, ast.unparse(node)) for node in tree.body)


def _used(table: symtable.SymbolTable) -> Iterator[str]:
    """Names of the module that a statement reads, in functions and classes inside it too (a class reads one
    that it does not have yet, as in ``Parameters = Parameters``, from the module).
    """
    outside = table.get_type() != "function"
    for symbol in table.get_symbols():
        if symbol.is_referenced() and (outside or symbol.is_global()):
            yield symbol.get_name()
    for inner in table.get_children():
        yield from _used(inner)


def _bound(node: ast.stmt) -> list[str]:
    """Names that a plain statement binds."""
    if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        return [node.name]
    if isinstance(node, ast.Import | ast.ImportFrom):
        return [(alias.asname or alias.name).split(".")[0] for alias in node.names]
    if isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        return [part.id for target in targets for part in ast.walk(target) if isinstance(part, ast.Name)]
    return []


def _module(name: str, source: str, wanted: str) -> ModuleType:
    if name in sys.modules:
        return sys.modules[name]
    (_folder() / f"{name}.py").write_text(source, encoding="utf-8")
    importlib.invalidate_caches()
    try:
        return importlib.import_module(name)
    except Exception as error:
        raise ParameterError(
            f"the cells that class {wanted} needs cannot be run anew: {type(error).__name__}: {error}",
            place=line_of(error),
            remedy=_REMEDY,
        ) from error


@lru_cache(maxsize=1)
def _folder() -> Path:
    """Where the modules lie; workers find it on the path, and it goes with this process."""
    folder = Path(tempfile.mkdtemp(prefix="cimspice-notebook-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    sys.path.append(str(folder))
    return folder
