"""A Python file as the digest of results sees it: what it does, wherever it and what it imports lie.

Comments, docstrings, ``__all__``, the layout of the text and what stands under ``if TYPE_CHECKING`` decide no
result and are left out. Imports are left out of the statements too: a name that an import binds is replaced
by a number, and what the number stands for is found by who reads this.
"""

from __future__ import annotations

import ast
import hashlib
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

_TAKE_A_MODULE = ("import_module", "__import__", "files", "get_data")  # called with its name
_IMPORTERS = (("importlib", "import_module"), ("builtins", "__import__"))
_LIST_A_FOLDER = {"glob", "iglob", "iterdir", "listdir", "rglob", "scandir", "walk"}
_FILLED_IN = re.compile(r"\{[^{}]*\}|%[-+ #0]*\d*(?:\.\d+)?[a-z]")  # of text.format() and of text % values
_ENDING = re.compile(r"\.\w+")
_FEWEST_LETTERS = re.compile(r"\w{2}|\.\w")  # of a pattern, that it is not every file


class Reference(NamedTuple):
    """What is imported: a module (as written, with leading dots), and a name of it (empty: the module)."""

    module: str
    name: str


@dataclass(frozen=True)
class Source:
    """A parsed file."""

    body: str
    """SHA-256 (hexadecimal) over the statements; empty if there are none."""
    references: tuple[tuple[Reference, ...], ...]
    """By number: what the number stands for in ``body``; several where a name is imported several times."""
    imported: frozenset[Reference]
    """All that is imported, used or not, wherever the import stands."""
    bindings: dict[str, tuple[Reference, ...]]
    """Name -> what imports bind to it."""
    words: frozenset[str]
    """Texts in it, as they may name files: ``*`` where something is filled in."""
    lists_folders: bool
    """Whether it asks what is in a folder."""
    composes_modules: bool
    """Whether it imports by names that it holds or makes as text."""


@lru_cache(maxsize=1024)
def read_source(content: bytes) -> Source:
    """Parse a file's content. SyntaxError or ValueError if it is no Python."""
    tree = ast.parse(content)
    imports = _Imports()
    imports.visit(tree)
    numbered = _Numbered(imports)
    tree = numbered.visit(tree)
    text = ast.dump(tree) if tree.body else ""
    return Source(
        body=hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest() if text else "",
        references=tuple(numbered.references),
        imported=frozenset(imports.found),
        bindings={name: tuple(found) for name, found in imports.bindings.items()},
        words=frozenset(numbered.words),
        lists_folders=numbered.lists_folders,
        composes_modules=imports.composes_modules,
    )


def _is_type_checking(node: ast.If) -> bool:
    return getattr(node.test, "id", getattr(node.test, "attr", "")) == "TYPE_CHECKING"


class _Imports(ast.NodeVisitor):
    """Collects what is imported."""

    def __init__(self) -> None:
        self.found: set[Reference] = set()
        self.bindings: dict[str, list[Reference]] = {}
        self.dotted: set[str] = set()
        self.composes_modules = False

    def visit_If(self, node: ast.If) -> None:
        for child in node.orelse if _is_type_checking(node) else (node.test, *node.body, *node.orelse):
            self.visit(child)

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            whole = Reference(alias.name, "")
            self.found.add(whole)
            if alias.asname:
                self._bind(alias.asname, whole)
            else:
                top = alias.name.split(".", 1)[0]
                self._bind(top, Reference(top, ""))
                self.dotted.add(alias.name)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        module = "." * node.level + (node.module or "")
        if module == "__future__":
            return
        for alias in node.names:
            taken = Reference(module, alias.name)
            self.found.add(taken)
            self.composes_modules |= taken in _IMPORTERS and alias.asname is not None
            if alias.name != "*":
                self._bind(alias.asname or alias.name, taken)

    def visit_Call(self, node: ast.Call) -> None:
        if (name := _module_taken(node)) is not None:
            self.found.add(Reference(name, ""))
        elif _called(node) in ("import_module", "__import__"):
            self.composes_modules = True
        self.generic_visit(node)

    def _bind(self, name: str, reference: Reference) -> None:
        known = self.bindings.setdefault(name, [])
        if reference not in known:
            known.append(reference)


class _Numbered(ast.NodeTransformer):
    """Takes out what decides nothing, and puts a number for what imports bind."""

    def __init__(self, imports: _Imports) -> None:
        self._imports = imports
        self._numbers: dict[str, int] = {}
        self.references: list[tuple[Reference, ...]] = []
        self.words: set[str] = set()
        self.lists_folders = False

    def visit_If(self, node: ast.If) -> ast.AST | list[ast.stmt]:
        if not _is_type_checking(node):
            return self.generic_visit(node)
        return [kept for child in node.orelse if (kept := self.visit(child)) is not None]

    def visit_Import(self, node: ast.Import) -> None:
        del node

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.AST | None:
        if [alias.name for alias in node.names] != ["*"]:
            return None
        module = "." * node.level + (node.module or "")
        return ast.Expr(self._number(f"{module} *", (Reference(module, "*"),)))

    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        is_text = isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        return None if is_text else self.generic_visit(node)

    def visit_Assign(self, node: ast.Assign) -> ast.AST | None:
        names = [getattr(target, "id", "") for target in node.targets]
        return None if names == ["__all__"] else self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> ast.AST:
        if node.id in _LIST_A_FOLDER:
            self.lists_folders = True
        bound = self._imports.bindings.get(node.id)
        return self._number(node.id, tuple(bound)) if bound else node

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        if node.attr in _LIST_A_FOLDER:
            self.lists_folders = True
        name = _dotted(node)
        if name in self._imports.dotted:
            return self._number(name, (Reference(name, ""),))
        return self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        name = _module_taken(node)
        self.generic_visit(node)
        if name is not None:
            node.args[0] = self._number(f"{name} ", (Reference(name, ""),))
        return node

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        if isinstance(node.value, str):
            self._note(node.value)
        return node

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        if isinstance(node.op, ast.Add) and "*" in (text := _text(node)) and text.strip("*"):
            self._note(text)
        return self.generic_visit(node)

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.AST:
        self._note(_text(node))
        return self.generic_visit(node)

    def _note(self, text: str) -> None:
        word = _FILLED_IN.sub("*", text)
        word = f"*{word}" if _ENDING.fullmatch(word) else word  # with_suffix(".csv")
        if 0 < len(word) < 4096 and "\0" not in word and ("*" not in word or _FEWEST_LETTERS.search(word)):
            self.words.add(word)

    def _number(self, name: str, references: tuple[Reference, ...]) -> ast.Name:
        if name not in self._numbers:
            self._numbers[name] = len(self.references)
            self.references.append(references)
        return ast.Name(f"{self._numbers[name]}", ast.Load())


def _module_taken(node: ast.Call) -> str | None:
    """The module's name in a call such as ``import_module("name")``."""
    first = node.args[0] if node.args else None
    if (
        _called(node) not in _TAKE_A_MODULE
        or not isinstance(first, ast.Constant)
        or not isinstance(first.value, str)
    ):
        return None
    return first.value if first.value.replace(".", "").isidentifier() else None


def _called(node: ast.Call) -> str:
    return getattr(node.func, "id", getattr(node.func, "attr", ""))


def _dotted(node: ast.expr) -> str:
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join([getattr(node, "id", ""), *reversed(parts)])


def _text(part: ast.expr) -> str:
    """A text that an expression makes, ``*`` where something is filled in."""
    if isinstance(part, ast.JoinedStr):
        return "".join(_text(value) for value in part.values)
    if isinstance(part, ast.BinOp) and isinstance(part.op, ast.Add):
        return re.sub(r"\*+", "*", _text(part.left) + _text(part.right))
    return part.value if isinstance(part, ast.Constant) and isinstance(part.value, str) else "*"
