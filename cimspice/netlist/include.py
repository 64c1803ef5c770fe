"""Model files of the user's own (a foundry's, say): read, checked line by line, put into the netlist's text.

ngspice itself never reads a file. ``.include`` and ``.lib`` in a template work only below folders that the
user has allowed; no template, parameter or campaign file can allow any.
"""

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from cimspice.errors import ParameterError, TemplateError
from cimspice.files import read_plain
from cimspice.netlist.check import check_statement

LARGEST_FILE = 16 << 20
"""Bytes of one included file."""

LARGEST_SUM = 64 << 20
"""Bytes of all that one netlist includes."""

DEEPEST = 16
"""Levels of files that include files."""

_roots: ContextVar[tuple[Path, ...]] = ContextVar("include_roots", default=())
_DIRECTIVE = re.compile(r"\.(include|inc|lib)\s+('[^']+'|\"[^\"]+\"|\S+)(?:\s+([\w.-]+))?", re.IGNORECASE)
_DIRECTIVE_WORD = re.compile(r"\.(include|inc|lib)\b", re.IGNORECASE)
_SECTION_END = re.compile(r"\.endl\b", re.IGNORECASE)
_TRAILING_COMMENT = re.compile(r";|\s\$|\s//")


def include_folder(root: str | Path) -> Path:
    """Where a folder that the user allows really is; ParameterError if it is none."""
    real = Path(root).resolve()
    if not real.is_dir():
        raise ParameterError(
            f"there is no folder {str(root)!r}", place="include root", remedy="name a folder of model files"
        )
    return real


@contextmanager
def allow_includes(*roots: str | Path) -> Iterator[None]:
    """Inside this context, templates may include files that really lie in one of these folders.

    Raises
    ------
    ParameterError
        If one is no folder.
    """
    token = _roots.set(tuple(include_folder(root) for root in roots))
    try:
        yield
    finally:
        _roots.reset(token)


def expand_includes(text: str, template: str) -> tuple[str, dict[str, str]]:
    """A rendered netlist with what it includes written out; as it is where nothing is allowed.

    A relative path is sought in the including file's own folder, then in each allowed one.
    ``.lib "file" section`` takes one section, ``.include`` what stands outside sections. Comments go.

    TemplateError if a file lies elsewhere (links are followed first), is missing, too large, or holds what
    may not stand in a netlist; the error names the file and the line.

    Parameters
    ----------
    text
        The netlist.
    template
        Its template's name, for messages.

    Returns
    -------
    tuple
        The text, and each included file's path with the SHA-256 (hexadecimal) of its content.
    """
    roots = _roots.get()
    if not roots:
        return text, {}
    return _Expansion(roots).netlist(text, template)


class _Expansion:
    """The state of one expansion: bytes read so far, files on the way to the present one, digests."""

    def __init__(self, roots: tuple[Path, ...]) -> None:
        self.roots, self.size = roots, 0
        self.above: list[tuple[Path, str]] = []
        self.digests: dict[str, str] = {}

    def netlist(self, text: str, template: str) -> tuple[str, dict[str, str]]:
        lines: list[str] = []
        for number, line in enumerate(text.split("\n"), 1):
            place = f"{template}, rendered line {number}"
            if _DIRECTIVE_WORD.match(line.strip()):
                lines += self.included(line.strip(), None, place)
            else:
                lines.append(line)
        return "\n".join(lines), self.digests

    def included(self, line: str, folder: Path | None, place: str) -> list[str]:
        """Lines that a ``.include`` or ``.lib`` stands for."""
        found = _DIRECTIVE.fullmatch(line)
        wants_section = line[:4].lower() == ".lib"
        if not found or bool(found[3]) != wants_section:
            raise TemplateError(
                f"not understood: {line[:80]!r}",
                place=place,
                remedy="write .include 'file' or .lib 'file' section",
            )
        path = self.resolve(found[2].strip("'\""), folder, place)
        section = (found[3] or "").lower()
        if (path, section) in self.above or len(self.above) == DEEPEST:
            raise TemplateError(
                f"{path.name} is included by itself, or more than {DEEPEST} levels deep",
                place=place,
                remedy="break the circle",
            )
        self.above.append((path, section))
        lines = self.file(path, section, place)
        self.above.pop()
        return lines

    def resolve(self, name: str, folder: Path | None, place: str) -> Path:
        """The real path of an included file, which lies in one of the roots."""
        folders = [*([folder] if folder else []), *self.roots]
        allowed = ", ".join(map(str, self.roots))
        outside = False
        for base in folders:
            try:
                real = (base / name).resolve()
            except (OSError, RuntimeError, ValueError):  # a circle of links, a null character
                continue
            if not any(real.is_relative_to(root) for root in self.roots):
                outside = True
            elif real.is_file():
                return real
        what = "lies outside the allowed folders" if outside else "is not in the allowed folders"
        raise TemplateError(
            f"the included file {name[:200]!r} {what}",
            place=place,
            remedy=f"allowed are {allowed}; name others with --include-root if you trust what lies there",
        )

    def file(self, path: Path, section: str, place: str) -> list[str]:
        """Checked statements of a file: those of one section, or those outside all."""
        try:
            content = read_plain(path, min(LARGEST_FILE, LARGEST_SUM - self.size), links=False)
        except OSError as error:
            raise TemplateError(f"cannot include {path}: {error.strerror}", place=place) from None
        self.size += len(content)
        self.digests[self.name(path)] = hashlib.sha256(content).hexdigest()
        lines: list[str] = []
        inside, known, started = "", set[str](), False
        for number, raw in enumerate(content.decode("latin-1").split("\n"), 1):
            line = _TRAILING_COMMENT.split(raw.strip(), maxsplit=1)[0].strip()
            if not line or line.startswith("*"):
                continue
            where = f"{path}, line {number}"
            words = line.split()
            if words[0].lower() == ".lib" and len(words) == 2:
                if inside:
                    raise TemplateError(f"section {words[1]!r} inside a section", place=where)
                inside, started = words[1].strip("'\"").lower(), False
                known.add(inside)
            elif _SECTION_END.match(line):
                inside, started = "", False
            elif inside != section:
                continue
            elif _DIRECTIVE_WORD.match(line):
                lines += self.included(line, path.parent, where)
                started = False
            else:
                lines.append(_checked(line, where, number, started))
                started = True
        if section and section not in known:
            raise TemplateError(
                f"{path} has no section {section!r}", place=place, remedy=f"it has {', '.join(sorted(known))}"
            )
        return lines

    def name(self, path: Path) -> str:
        """A file's path below its root, under the root's own name."""
        root = next(root for root in self.roots if path.is_relative_to(root))
        return f"{root.name}/{path.relative_to(root).as_posix()}"


def _checked(line: str, where: str, number: int, started: bool) -> str:
    """A statement that has passed the same check as a netlist's own."""
    try:
        check_statement(line, where, number, started)
    except TemplateError as error:
        error.place = where
        raise
    return line
