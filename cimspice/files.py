"""Files from others are read with a limit, and every file of ours is written whole or not at all."""

import errno
import hashlib
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Generic, TypeVar

from cimspice.errors import CimspiceError, OutputError

_SETTLED_NANOSECONDS = 2_000_000_000  # the coarsest clock of a file system
_WRONG_PLACE = {
    errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOENT, errno.ENOTDIR, errno.EEXIST, errno.EISDIR,
    errno.ENAMETOOLONG,
}  # fmt: skip

Made = TypeVar("Made")


def identity(path: str | Path) -> tuple[int, ...] | None:
    """What changes when a file or folder is changed or another one takes its place; None if there is none."""
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def is_settled(known: tuple[int, ...] | None) -> bool:
    """Whether a later change would show in the identity: one within the same tick of the clock would not."""
    return known is None or time.time_ns() - max(known[-2:]) > _SETTLED_NANOSECONDS


class OfContent(Generic[Made]):
    """What ``make`` makes of a file's content; made anew only once the file is another one or has changed.
    OSError if it cannot be read.
    """

    def __init__(self, make: Callable[[bytes], Made]) -> None:
        self._make = make
        self._known: dict[str, tuple[tuple[int, ...], Made]] = {}

    def __call__(self, path: str | Path) -> Made:
        path = str(path)
        now = identity(path)
        known = self._known.get(path)
        if known is not None and known[0] == now:
            return known[1]
        made = self._make(Path(path).read_bytes())
        if now is not None and is_settled(now):
            self._known[path] = now, made
        return made


content_digest = OfContent(lambda content: hashlib.sha256(content).hexdigest())
"""SHA-256 (hexadecimal) of a file's content, by its path."""


def open_plain(path: str | Path, largest: int, *, links: bool = True) -> BinaryIO:
    """Open a plain file for reading.

    Parameters
    ----------
    path
        The file.
    largest
        Most bytes that it may have.
    links
        Whether a symbolic link may stand there: yes for a path that the user named, no inside a folder that
        came from elsewhere.

    Raises
    ------
    OSError
        If it is not there or may not be read; is a folder, pipe or device (reading one may never end); is
        larger; is a link where none is allowed. ``strerror`` says which.
    """
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | (0 if links else os.O_NOFOLLOW)
    try:
        descriptor = os.open(path, flags)
    except ValueError as error:  # a null character
        raise OSError(errno.EINVAL, str(error), str(path)) from None
    except OSError as error:
        if error.errno == errno.ELOOP and not links:
            raise OSError(errno.ELOOP, "a link instead of a file", str(path)) from None
        raise
    status = os.fstat(descriptor)
    problem = ""
    if not stat.S_ISREG(status.st_mode):
        problem = "not a plain file"
    elif status.st_size > largest:
        problem = f"{status.st_size} bytes are more than the {largest} that it may have"
    if problem:
        os.close(descriptor)
        raise OSError(errno.EINVAL, problem, str(path))
    return os.fdopen(descriptor, "rb")


def read_plain(path: str | Path, largest: int, *, links: bool = True) -> bytes:
    """Content of a plain file; as :func:`open_plain`."""
    with open_plain(path, largest, links=links) as file:
        content = file.read(largest + 1)
    if len(content) > largest:  # it grew meanwhile
        raise OSError(errno.EINVAL, f"more than {largest} bytes", str(path))
    return content


def write_atomically(path: Path, write: Callable[[Path], object]) -> Path:
    """Let ``write`` fill a temporary file beside ``path``, then put it into place.

    A link at ``path`` is replaced, what it points at is left alone.

    OutputError if the folder or the file is not one that can be written; CimspiceError if writing fails for
    another reason, such as a full disk.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}-", suffix=path.suffix)
        os.close(handle)
        temporary = Path(name)
        try:
            write(temporary)
            _to_disk(temporary)
            temporary.chmod(0o666 & ~_umask())
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise _not_written(error, path) from error
    return path


@contextmanager
def written_together(folder: Path, last: str) -> Iterator[Path]:
    """A new folder inside ``folder`` to write files into, which then take their places: all of them or, if
    one cannot be written, none.

    A kill in the midst of the renaming leaves some of them. ``last`` is the name of the file that comes last,
    by which readers recognise them.

    OutputError or CimspiceError as :func:`write_atomically`.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        aside = Path(tempfile.mkdtemp(dir=folder, prefix=".new-"))
        try:
            yield aside
            for path in sorted(aside.iterdir(), key=lambda path: (path.name == last, path.name)):
                os.replace(path, folder / path.name)
        finally:
            shutil.rmtree(aside, ignore_errors=True)
    except CimspiceError as error:
        error.place = error.place.replace(f"{aside}{os.sep}", f"{folder}{os.sep}")
        raise
    except OSError as error:
        raise _not_written(error, folder) from error


def _not_written(error: OSError, path: Path) -> CimspiceError:
    kind = OutputError if error.errno in _WRONG_PLACE else CimspiceError
    remedy = "choose another folder" if kind is OutputError else "free the disk or choose another folder"
    return kind(
        f"cannot write: {error.strerror or error}",
        place=str(path),
        remedy=f"{remedy}; finished points are kept",
    )


def refuse_link(folder: Path) -> None:
    """CimspiceError if a symbolic link stands where a folder of ours belongs: it might lead anywhere."""
    if folder.is_symlink():
        raise CimspiceError(
            "a link instead of a folder", place=str(folder), remedy="remove it, or choose another folder"
        )


def _to_disk(path: Path) -> None:
    """Put before its name is: after a power cut a file is the old one or the new one, never an empty one."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
