"""Reading a SPICE library: sections, includes, parameters, subcircuits, models. No SKY130 knowledge here."""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from cimspice.errors import PdkError
from cimspice.files import identity, is_settled, read_plain

LARGEST_FILE = 256 << 20  # bytes; the original bins take some tens of megabytes
_SECTION_EDGE = re.compile(r"^\.(?:lib[ \t]+(\S+)[ \t]*$|endl)", re.M | re.I)
_INCLUDE = re.compile(r"^\s*\.inc(?:lude)?\s+[\"']?([^\"'\s]+)", re.I)
_SUBCIRCUIT = re.compile(r"^\.subckt[ \t]+(\S+)", re.M | re.I)
_ENDS = re.compile(r"^\.ends[^\n]*\n?", re.M | re.I)
_ASSIGNMENT = re.compile(r"(?<!\w)([A-Za-z_]\w*)\s*=(?!=)\s*")


@dataclass(frozen=True)
class Section:
    """What one section (corner) of a library defines; names in lower case, later definitions win.

    ``parameters``: name -> expression text. ``subcircuits``: name -> text from .subckt to .ends.
    ``models``: name -> statement of a model defined outside any subcircuit. ``files``: all files read;
    ``missing``: included files that are not there (for devices that may not be wanted).
    """

    parameters: dict[str, str] = field(default_factory=dict)
    subcircuits: dict[str, str] = field(default_factory=dict)
    models: dict[str, str] = field(default_factory=dict)
    files: list[Path] = field(default_factory=list)
    missing: list[Path] = field(default_factory=list)


@dataclass(frozen=True)
class Library:
    """A library file whose sections are read when first asked for."""

    path: Path

    @classmethod
    def open(cls, path: Path) -> Library:
        """The library at ``path``; read once per process as long as no file that was read changes."""
        if not path.is_file():
            raise PdkError("there is no model library", place=str(path))
        if any(identity(file) != known for file, known in _looked_at.items()):
            forget()
        return cls(path.resolve())

    def section(self, name: str) -> Section:
        """Everything that section ``name`` defines, includes followed."""
        return _section(self.path, name.lower())

    def digest(self, names: tuple[str, ...]) -> str:
        """SHA-256 (hex) over the library and all files that the named sections include."""
        return _digest(self.path, names)


def statements(text: str) -> list[str]:
    """Statements (with their continuation lines) without comment lines; raw text otherwise."""
    result: list[str] = []
    for line in text.splitlines():
        stripped = line.lstrip()
        if not stripped or stripped[0] == "*":
            continue
        if stripped[0] == "+" and result:
            if stripped.rstrip() != "+":
                result[-1] += "\n" + stripped
        else:
            result.append(stripped)
    return result


def joined(statement: str) -> str:
    """A statement as one line, trailing comments removed."""
    lines = (re.split(r"\s;|;\s|\s\$\s", line)[0] for line in statement.splitlines())
    return " ".join(line.removeprefix("+").strip() for line in lines)


def assignments(text: str) -> dict[str, str]:
    """``name = value`` pairs of one joined statement, in order; names in lower case."""
    found = list(_ASSIGNMENT.finditer(text))
    ends = [match.start() for match in found[1:]] + [len(text)]
    return {
        match[1].lower(): text[match.end() : end].strip() for match, end in zip(found, ends, strict=False)
    }


_looked_at: dict[Path, tuple[int, ...] | None] = {}  # files that were read or missed; see `identity`


def forget() -> None:
    """Forget what was read, so that files that changed are read again."""
    _section.cache_clear()
    _pieces.cache_clear()
    _digest.cache_clear()
    _looked_at.clear()


def _look_at(path: Path) -> None:
    now = identity(path)
    _looked_at[path] = now if is_settled(now) else ()


@lru_cache(maxsize=16)
def _section(path: Path, name: str) -> Section:
    text = _read(path)
    bodies = section_bodies(text)
    if name not in bodies:
        known = ", ".join(sorted(bodies)) or "none"
        raise PdkError(
            f"the model library has no section {name!r}", place=str(path), remedy=f"its sections are: {known}"
        )
    section = Section(files=[path])
    _collect(section, path, _split(bodies[name]), (path,))
    return section


def section_bodies(text: str) -> dict[str, str]:
    """Text between each ``.lib NAME`` and the next ``.endl``, by name in lower case; a name's last counts.

    In one pass: a library may be a stranger's, with many openings that nothing closes.
    """
    bodies: dict[str, str] = {}
    opened: re.Match[str] | None = None
    for edge in _SECTION_EDGE.finditer(text):
        if opened is None and edge[1]:
            opened = edge
        elif opened is not None and not edge[1]:
            bodies[opened[1].lower()] = text[opened.end() : edge.start()]
            opened = None
    return bodies


def _collect(
    section: Section, path: Path, pieces: list[tuple[str, str, str]], above: tuple[Path, ...]
) -> None:
    for kind, name, value in pieces:
        if kind == "include":
            included = Path(os.path.normpath(path.parent / value))
            _check_include(included, above)
            _look_at(included)
            found = included.is_file()
            (section.files if found else section.missing).append(included)
            _collect(section, included, _pieces(included) if found else [], (*above, included))
        elif kind == "parameter":
            section.parameters[name] = value
        elif kind == "subcircuit":
            section.subcircuits[name] = value
        else:
            section.models[name] = value


def _check_include(included: Path, above: tuple[Path, ...]) -> None:
    """PdkError if a file includes itself, or lies outside the installation.

    ``above`` are the files on the way to it, the library first: that lies at most two folders deep in its
    installation (``combined_models/``, ``libs.tech/combined/``).
    """
    installation = above[0].parents[min(2, len(above[0].parents) - 1)]
    if included in above:
        raise PdkError("a model file includes itself", place=str(above[-1]), remedy="use another PDK")
    if not included.resolve().is_relative_to(installation):
        raise PdkError(
            f"a model file includes {str(included)!r}, outside its installation",
            place=str(above[-1]),
            remedy="use another PDK",
        )


@lru_cache(maxsize=512)
def _pieces(path: Path) -> list[tuple[str, str, str]]:
    return _split(_read(path))


def _split(text: str) -> list[tuple[str, str, str]]:
    """Pieces of a file in order: ("include", "", path), ("parameter", name, expression), ("subcircuit" or
    "model", name, text). Subcircuits are cut out by search, not line by line: they are most of the text."""
    pieces: list[tuple[str, str, str]] = []
    position = 0
    while found := _SUBCIRCUIT.search(text, position):
        ending = _ENDS.search(text, found.end())
        end = ending.end() if ending else len(text)
        pieces += _top_level(text[position : found.start()])
        pieces.append(("subcircuit", found[1].lower(), text[found.start() : end]))
        position = end
    return pieces + _top_level(text[position:])


def _top_level(text: str) -> list[tuple[str, str, str]]:
    pieces: list[tuple[str, str, str]] = []
    for statement in statements(text):
        if include := _INCLUDE.match(statement):
            pieces.append(("include", "", include[1]))
        elif statement[:6].lower() == ".param":
            pieces += [("parameter", name, value) for name, value in assignments(joined(statement)).items()]
        elif statement[:6].lower() == ".model":
            pieces.append(("model", statement.split()[1].lower(), statement))
    return pieces


def _read(path: Path) -> str:
    _look_at(path)
    try:
        return read_plain(path, LARGEST_FILE).decode("latin-1").replace("\r\n", "\n")
    except OSError as error:
        raise PdkError(
            f"a model file cannot be read: {error}", place=str(path), remedy="reinstall the PDK's model files"
        ) from error


@lru_cache(maxsize=4)
def _digest(path: Path, names: tuple[str, ...]) -> str:
    files = {path}
    for name in names:
        files |= set(_section(path, name).files)
    listing = "\n".join(
        f"{os.path.relpath(file, path.parent)} {hashlib.sha256(file.read_bytes()).hexdigest()}"
        for file in sorted(files)
    )
    return hashlib.sha256(listing.encode()).hexdigest()
