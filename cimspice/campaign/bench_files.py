"""Data that a bench reads: what it declares, and what the texts in its code name.

A text names a file by a path (``*`` stands for what is filled in): from the folder of one of the bench's
modules, from one above it (the folder that holds the package, and two more), from a folder that another text
names or that stands in an environment variable of this name, from the user's home, or from the root of the
file system. Code that lists folders (``glob``, ``iterdir``, ...) may read
all in those that it names, if they lie below a module's folder or are written from the root, and what lies
directly beside its modules. What the system fills (``/proc``, ...) is no data.

Templates (``.j2``) are left out: a point's digest holds the netlist that is made of them.
"""

import os
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from cimspice.errors import ParameterError

_MOST_FILES = 10_000  # in folders of which all may be read
_ELSEWHERE = (".pyc", ".j2")
_OF_THE_SYSTEM = ("/proc", "/sys", "/dev")


class BenchFile(NamedTuple):
    """A file: how the code names it, and where it is."""

    name: str
    path: Path


def declared_files(names: Iterable[str], folder: Path, bench: str) -> set[BenchFile]:
    """What a bench declares as ``files``: paths or patterns below its module's folder; a folder is all in it.

    ParameterError if there is no such file.
    """
    found: set[BenchFile] = set()
    for name in names:
        paths = [folder / name] if "*" not in name else sorted(folder.glob(name))
        files = [file for path in paths for file in (_below(path) if path.is_dir() else [path])]
        if not files or not all(file.is_file() for file in files):
            raise ParameterError(
                f"bench {bench!r} declares the file {name!r}, which is not there",
                place=str(folder / name),
                remedy="correct the bench's files: paths from the folder of its module",
            )
        found |= {BenchFile(os.path.relpath(file, folder), file) for file in files}
    return found


def named_files(
    beside: Collection[Path], above: Collection[Path], words: Collection[str], *, listed: bool
) -> tuple[set[BenchFile], set[Path]]:
    """What the texts in code name, and the folders where it was sought.

    ParameterError if it may read more files than can be looked at.

    Parameters
    ----------
    beside
        Folders of its modules.
    above
        Folders above them that are searched too.
    words
        The texts.
    listed
        Whether the code lists folders.
    """
    words = list(filter(_may_name, words))
    by_first: dict[str, list[str]] = {}
    found: set[BenchFile] = set()
    folders = dict.fromkeys([*beside, *above], "")
    home = Path.home()
    folders.setdefault(home, str(home))
    named = {word for word in (os.environ.get(word, "") for word in words) if os.path.isdir(word)}
    folders |= {Path(word): word for word in named}  # a file named so may as well be written
    unlisted = {*folders} - {*beside}  # the environment's may be where results go
    for word in map(os.path.expanduser, words):
        if not os.path.isabs(word):
            by_first.setdefault(word.split("/", 1)[0], []).append(word)
        elif word.startswith(_OF_THE_SYSTEM):
            continue
        elif os.path.isdir(word):
            folders.setdefault(Path(word), word)
        elif _is_data(Path(word)):
            found.add(BenchFile(word, Path(word)))
    waiting = list(folders)
    while waiting:
        folder = waiting.pop()
        for path in _named_in(folder, by_first):
            name = os.path.join(folders[folder], os.path.relpath(path, folder))
            if _is_data(path):
                found.add(BenchFile(name, path))
            elif path.is_dir() and path not in folders:
                folders[path] = name
                unlisted |= {path} if folder in unlisted else set()
                waiting.append(path)
    if listed:
        whole = {
            folder: list(_below(folder))
            for folder, name in folders.items()
            if name and folder not in unlisted
        }
        whole |= {folder: [folder / name for name in _names(folder)] for folder in beside}
        for folder, paths in whole.items():
            files = [path for path in paths if _is_data(path)]
            found |= {
                BenchFile(os.path.join(folders[folder], os.path.relpath(file, folder)), file)
                for file in files
            }
    return found, set(folders)


def _may_name(word: str) -> bool:
    """Whether a text can be the name of a file or of a variable of the environment."""
    try:
        return b"\0" not in os.fsencode(word)
    except UnicodeEncodeError:
        return False


def _named_in(folder: Path, by_first: dict[str, list[str]]) -> Iterator[Path]:
    """What texts (by their first part) name from one folder."""
    names = _names(folder)
    for first, words in by_first.items():
        if "*" in first:
            for word in words:
                yield from _glob(folder, word)
        elif first in names or first in (".", ".."):
            for word in words:
                path = Path(os.path.normpath(folder / word))
                yield from _glob(folder, word) if "*" in word else [path] if os.path.exists(path) else []


def _glob(folder: Path, pattern: str) -> list[Path]:
    try:
        return sorted(folder.glob(pattern))
    except (ValueError, NotImplementedError):  # a text that is no pattern
        return []


def _below(folder: Path) -> Iterator[Path]:
    count = 0
    for place, below, names in os.walk(folder):
        below[:] = [name for name in below if name[0] not in "._"]
        for name in names:
            yield Path(place, name)
        count += len(names)
        if count > _MOST_FILES:
            raise ParameterError(
                f"code that lists folders may read any of more than {_MOST_FILES} files",
                place=str(folder),
                remedy="name in the bench's files what it reads, and list a smaller folder",
            )


def _names(folder: Path) -> set[str]:
    try:
        return set(os.listdir(folder))
    except OSError:
        return set()


def _is_data(path: Path) -> bool:
    return path.suffix not in _ELSEWHERE and os.path.isfile(path)
