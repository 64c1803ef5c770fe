"""Private temporary folders that do not stay behind, not even those of a process that was killed.

A folder's owner holds a lock on it, which the kernel takes away when the owner ends, however it ends. Whoever
makes a folder first removes those that nobody holds.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
import weakref
from pathlib import Path
from types import TracebackType

PREFIX = "cimspice-work-"


class WorkFolder:
    """A temporary folder of this process; also a context manager.

    Parameters
    ----------
    purpose
        A word for its name.

    Attributes
    ----------
    path
        The folder. It goes with `remove`, or else when the process ends or this object is collected; a
        forked child leaves it alone.
    """

    def __init__(self, purpose: str) -> None:
        remove_abandoned()
        while (made := _hold(purpose)) is None:
            pass  # another process took it for abandoned before it was locked
        self.path, descriptor = made
        self._end = weakref.finalize(self, _end, os.getpid(), self.path, descriptor)

    def __enter__(self) -> WorkFolder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.remove()

    def remove(self) -> None:
        """Remove the folder and all in it."""
        self._end()


def remove_abandoned() -> None:
    """Remove the folders, in the temporary folder, of processes of this user that are gone.

    Nothing else is touched: no link, no other user's folder, none whose owner lives or that cannot be locked.
    """
    parent = tempfile.gettempdir()
    with contextlib.suppress(OSError):
        names = [entry.name for entry in os.scandir(parent) if entry.name.startswith(PREFIX)]
        for name in names:
            with contextlib.suppress(OSError):  # in use, a link, another's, or gone meanwhile
                _remove_if_abandoned(parent, name)


def _end(owner: int, folder: Path, descriptor: int) -> None:
    """Remove a folder and give its lock back; a forked child of the owner only closes its descriptor."""
    if os.getpid() == owner:
        shutil.rmtree(folder, ignore_errors=True)
    os.close(descriptor)


def _hold(purpose: str) -> tuple[Path, int] | None:
    """A new folder and the descriptor that holds its lock; None if it was removed before it was locked."""
    folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{purpose}-"))
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except FileNotFoundError:
        return None
    with contextlib.suppress(OSError):  # a file system without locks: then nobody can take it for abandoned
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    if folder.is_dir():
        return folder, descriptor
    os.close(descriptor)
    return None


def _remove_if_abandoned(parent: str, name: str) -> None:
    """Remove one folder, by descriptors all the way; OSError if it is not to be removed."""
    above = os.open(parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        descriptor = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=above)
        try:
            if os.fstat(descriptor).st_uid == os.geteuid():
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(name, ignore_errors=True, dir_fd=above)
        finally:
            os.close(descriptor)
    finally:
        os.close(above)
