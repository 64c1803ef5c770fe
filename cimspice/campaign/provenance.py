"""The code that decides a result, as a digest: a changed measurement must not find its old results.

It covers what a bench reaches: its module and those of its bases, all that these import, wherever it lies and
wherever the import stands, and cimspice's own code that runs a point. The standard library is left out, an
installed distribution stands with its version, everything else with its content. Module names, folders and
the layout of the text are no part of it, so that a file that moves keeps its results.

What the digest of a point holds by value (netlist, device models, parameters, analysis, options) needs no
cover here: so ``cimspice.bench.bench`` is left out.
"""

import hashlib
import importlib.metadata
import importlib.util
import inspect
import sys
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib.machinery import PathFinder
from pathlib import Path

import cimspice
from cimspice.bench import Bench
from cimspice.campaign.bench_files import BenchFile, declared_files, named_files
from cimspice.campaign.source import Reference, Source, read_source
from cimspice.errors import CimspiceError
from cimspice.files import OfContent, content_digest, identity, is_settled

_BENCH = str(Path(inspect.getfile(Bench)).resolve())
_PACKAGE = str(Path(cimspice.__file__).resolve().parent) + "/"
_NO_PART = (_BENCH, f"{_PACKAGE}circuits/__init__.py")  # the latter is another name of cimspice.bench
_RUN = ("cimspice.campaign.work", "cimspice.spice.session")
_STANDARD = tuple({str(Path(sysconfig.get_path(name)).resolve()) + "/" for name in ("stdlib", "platstdlib")})
_INSTALLED = ("/site-packages/", "/dist-packages/")
_source = OfContent(read_source)
_digests: dict[type[Bench], tuple[dict[Path, tuple[int, ...] | None], str]] = {}  # with the files looked at


def code_digest(bench: type[Bench]) -> str:
    """SHA-256 (hexadecimal) of the code and data that a bench reaches, as the files are now.

    CimspiceError if a source is not to be had (a class typed at a prompt): its results could not be matched
    later.
    """
    seen, digest = _digests.get(bench, ({}, ""))
    if not digest or any(identity(path) != known for path, known in seen.items()):
        reach = _Reach(bench)
        files = reach.files()
        looked_at = [*(module.path for module in reach.own.values()), *(file.path for file in files)]
        folders = {*(path.parent for path in looked_at), *reach.sought, *map(Path, sys.path)}
        seen = {path: identity(path) for path in {*looked_at, *folders}}
        parts = [*sorted(reach.statements()), *sorted(reach.distributions)]
        parts += [f"{file.name} {content_digest(file.path)}" for file in files]
        digest = hashlib.sha256("\n".join(parts).encode()).hexdigest()
        if all(map(is_settled, seen.values())) and not reach.lists_folders:
            _digests[bench] = seen, digest
    return digest


def require_same_code(bench: type[Bench], digest: str) -> None:
    """CimspiceError if the code that measures is another than when the digest was made: a worker that
    started meanwhile measures with the new one.
    """
    if code_digest(bench) != digest:
        raise CimspiceError(
            f"the code of bench {bench.__qualname__} was changed while its points were run",
            place=inspect.getfile(bench),
            remedy="say the same command again: what was finished before stays with the code of then",
        )


def own_files(bench: type[Bench]) -> dict[str, bytes]:
    """Path below one folder -> content of the files of `code_digest` that another machine may not have: the
    modules that a user wrote as plain files, those of no package, and what they read.
    """
    reach = _Reach(bench)
    plain = [module for module in reach.own.values() if module.is_users and "." not in module.name]
    found = {module.path.name: module.path for module in plain if module.name != "__main__"}
    found |= {file.name: file.path for file in reach.files() if not Path(file.name).is_absolute()}
    return {name: path.read_bytes() for name, path in found.items()}


@dataclass(frozen=True)
class _Module:
    """A module whose content counts; ``source`` is None for one that is no Python text."""

    name: str
    path: Path
    source: Source | None

    @property
    def package(self) -> str:
        """What its relative imports are relative to."""
        if self.name == "__main__":
            return getattr(sys.modules["__main__"], "__package__", None) or ""
        return self.name if self.path.name == "__init__.py" else self.name.rpartition(".")[0]

    @property
    def is_users(self) -> bool:
        return not str(self.path).startswith(_PACKAGE)

    @property
    def body(self) -> str:
        return self.source.body if self.source else content_digest(self.path)


class _Reach:
    """What a bench reaches: ``own`` modules by name, and ``distributions`` with their versions; once its
    `files` are asked for, the folders in which these were ``sought``.
    """

    def __init__(self, bench: type[Bench]) -> None:
        self._bench = bench
        self._bases = [base for base in bench.__mro__ if issubclass(base, Bench) and base is not Bench]
        self._modules: dict[str, _Module | None] = {}
        self.own: dict[str, _Module] = {}
        self.distributions: set[str] = set()
        self.sought: set[Path] = set()
        self.lists_folders = False
        for base in self._bases:
            if self._module(base.__module__) is None:
                raise self._unreadable(base.__module__)
        waiting = [*(base.__module__ for base in self._bases), *_RUN]
        while waiting:
            module = self._module(waiting.pop())
            if module is not None and module.name not in self.own and str(module.path) not in _NO_PART:
                self.own[module.name] = module
                waiting += self._beyond(module)

    def statements(self) -> set[str]:
        """One digest for each module that has any statement, of these and of what the imported names in them
        mean: made again from one another until no more modules differ (they may import one another).
        """
        digests = {name: module.body for name, module in self.own.items()}
        different = 0
        while len({*digests.values()}) > different:
            different = len({*digests.values()})
            digests = {name: self._digest(module, digests) for name, module in self.own.items()}
        return {digests[name] for name, module in self.own.items() if module.body}

    def files(self) -> list[BenchFile]:
        """Data: what the bench declares, and what the texts in the user's modules name."""
        users = [module for module in self.own.values() if module.is_users]
        sources = [module.source for module in users if module.source]
        self.lists_folders = any(source.lists_folders for source in sources)
        found, self.sought = named_files(
            {module.path.parent for module in users},
            {folder for module in users for folder in _above(module)},
            {word for source in sources for word in source.words},
            listed=self.lists_folders,
        )
        for base in self._bases:
            module = self.own[base.__module__]
            found |= declared_files(vars(base).get("files", ()), module.path.parent, base.__qualname__)
        python = {module.path for module in users}
        return sorted(file for file in found if file.path not in python)

    def _beyond(self, module: _Module) -> Iterator[str]:
        """Names of modules that one more module brings in."""
        if module.is_users:
            parents = module.name.split(".")[:-1]
            yield from (".".join(parents[:count]) for count in range(1, len(parents) + 1))
        for reference in module.source.imported if module.source else ():
            target, _ = self._resolve(reference, module)
            if target:
                yield target
            if module.is_users:  # what passes a name on is run too, and may do more than that
                yield _absolute(reference.module, module.package)
        if module.is_users and module.source and module.source.composes_modules:
            yield from self._composed(module, module.source)

    def _composed(self, module: _Module, source: Source) -> Iterator[str]:
        """Modules that texts name, and all in packages that texts or imports name or that it lies in."""
        texts = {word.rstrip("*").rstrip(".") for word in source.words}
        names = {text for text in texts if text.replace(".", "").isidentifier()}
        imported = {self._resolve(reference, module)[0] for reference in source.imported}
        for name in {_absolute(name, module.package) for name in names} | imported | {module.package}:
            found = self._module(name) if name else None
            if found.is_users if found else name and _origin(name) is None:
                yield from (name, *_modules_in(name))

    def _digest(self, module: _Module, digests: dict[str, str]) -> str:
        """Of a module's statements, and of what the imported names in them mean by the digests so far."""
        meanings: list[str] = []
        for references in module.source.references if module.source else ():
            meanings += [
                f"{digests.get(target, '')} {name}"
                for target, name in (self._resolve(one, module) for one in references)
            ]
            meanings.append(";")
        return hashlib.sha256("\n".join([module.body, *meanings]).encode()).hexdigest()

    def _resolve(self, reference: Reference, module: _Module, depth: int = 0) -> tuple[str, str]:
        """Module and name that an import leads to, through modules that only pass the name on; an empty
        module and what stands in the import, if that is not a module whose content counts.
        """
        target = _absolute(reference.module, module.package)
        own = self._module(target)
        if own is None:
            return "", f"{target}.{reference.name}"
        if reference.name in ("", "*") or own.source is None:
            return target, reference.name
        bound = own.source.bindings.get(reference.name, ())
        if len(bound) == 1 and depth < 32 and str(own.path) != _BENCH:
            return self._resolve(bound[0], own, depth + 1)
        inner = f"{target}.{reference.name}"
        if own.path.name == "__init__.py" and self._module(inner) is not None:
            return inner, ""
        return target, reference.name

    def _module(self, name: str) -> _Module | None:
        """The module, if its content counts; notes a distribution otherwise."""
        if name not in self._modules:
            self._modules[name] = None
            origin = _origin(name)
            if origin is not None and self._counts(name, origin):
                path = Path(origin).resolve()
                try:
                    source = _source(path) if path.suffix == ".py" else None
                except (OSError, SyntaxError, ValueError) as error:
                    raise self._unreadable(name, str(error)) from error
                self._modules[name] = _Module(name, path, source)
        return self._modules[name]

    def _counts(self, name: str, origin: str) -> bool:
        path = str(Path(origin).resolve())
        if path.startswith(_PACKAGE):
            return True
        if any(part in path for part in _INSTALLED):
            version = _version(name.split(".", 1)[0])
            self.distributions |= {version} - {""}
            return not version
        return not path.startswith(_STANDARD)

    def _unreadable(self, place: str, why: str = "") -> CimspiceError:
        return CimspiceError(
            f"the source of bench {self._bench.__qualname__} cannot be read" + (f": {why}" if why else ""),
            place=place,
            remedy="put the bench into a file and import it from there",
        )


def _above(module: _Module) -> list[Path]:
    """The folders above a module's as far as the one that holds its package, and two more."""
    depth = module.package.count(".") + 1 if module.package else 0
    return list(module.path.parent.parents)[: depth + 2]


def _absolute(module: str, package: str) -> str:
    try:
        return importlib.util.resolve_name(module, package)
    except ImportError:  # beyond the top
        return module


def _origin(name: str) -> str | None:
    """File of a module, found without importing it; None if it has none."""
    loaded = getattr(sys.modules.get(name), "__file__", None)
    if loaded:
        return loaded
    try:
        spec = PathFinder.find_spec(name, _folders(name.rpartition(".")[0]))
    except KeyError:  # a folder without an __init__.py in another one that is not imported
        return None
    return spec.origin if spec is not None and spec.has_location else None


def _folders(package: str) -> list[str] | None:
    """Where the modules of a package lie, also of one without an ``__init__.py``; None: on Python's path."""
    if not package:
        return None
    known = getattr(sys.modules.get(package), "__path__", None)
    if known:
        return list(known)
    if origin := _origin(package):
        return [str(Path(origin).parent)] if Path(origin).name == "__init__.py" else []
    parent, _, name = package.rpartition(".")
    above = _folders(parent)
    return [place for folder in (sys.path if above is None else above) if (place := _inside(folder, name))]


def _inside(folder: str, name: str) -> str:
    path = Path(folder or ".", name)
    return str(path) if path.is_dir() else ""


def _modules_in(package: str) -> Iterator[str]:
    """Names of all modules below a package."""
    for folder in _folders(package) or ():
        for path in Path(folder).rglob("*.py"):
            parts = path.relative_to(folder).with_suffix("").parts
            inner = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            if inner.replace(".", "").isidentifier():
                yield f"{package}.{inner}"


@lru_cache(maxsize=512)
def _version(top: str) -> str:
    """Name and version of the distribution that has a top-level module; empty if none has."""
    try:
        return f"{top} {importlib.metadata.version(top)}"
    except importlib.metadata.PackageNotFoundError:
        names = sorted(set(_distributions().get(top, ())))
        return ", ".join(f"{name} {importlib.metadata.version(name)}" for name in names)


@lru_cache(maxsize=1)
def _distributions() -> dict[str, list[str]]:
    return dict(importlib.metadata.packages_distributions())
