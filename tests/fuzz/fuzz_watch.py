"""What a reader must not do, seen by Python itself: audit events of programs, files, network and pickles."""

from __future__ import annotations

import gc
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_FORBIDDEN = (
    "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "os.forkpty", "subprocess.Popen",
    "pickle.find_class", "socket.", "urllib.", "ctypes.dlopen", "webbrowser.", "shutil.", "os.remove",
    "os.rename", "os.rmdir", "os.mkdir", "os.link", "os.symlink", "os.chmod", "os.truncate",
)  # fmt: skip
_OWN = tuple(
    str(Path(folder).resolve())
    for folder in {sys.prefix, sys.base_prefix, Path(__file__).parents[2], *filter(os.path.isdir, sys.path)}
)
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


class _Watch:
    folder = ""  # where reading is allowed besides Python's own files; empty: not watching
    seen: list[str]
    others: set[int | None]


def _hook(event: str, arguments: tuple) -> None:
    if not _Watch.folder or threading.get_ident() in _Watch.others:
        return
    if event == "open":
        _opened(*arguments)
    elif event.startswith(_FORBIDDEN):
        _Watch.seen.append(f"{event}{arguments!r}"[:300])


def _opened(path: object, mode: str | None, flags: int) -> None:
    if not isinstance(path, str | bytes):
        return  # a descriptor that is open already
    name = os.path.realpath(os.fsdecode(path))
    if flags & _WRITING and not name.endswith(".pyc") and "__pycache__" not in name:
        _Watch.seen.append(f"writes {name}")
    elif not name.startswith((_Watch.folder, *_OWN)):
        _Watch.seen.append(f"reads {name}")


sys.addaudithook(_hook)


@contextmanager
def watched(folder: Path) -> Iterator[None]:
    """Fail if what runs inside starts a program, uses the network or a pickle, writes any file, or reads one
    outside the folder. What other tests left to the garbage collector, or to threads that run, is not its
    doing.
    """
    collecting = gc.isenabled()
    gc.disable()
    _Watch.others = {thread.ident for thread in threading.enumerate()} - {threading.get_ident()}
    _Watch.seen, _Watch.folder = [], str(folder.resolve())
    try:
        yield
    finally:
        _Watch.folder = ""
        if collecting:
            gc.enable()
    assert not _Watch.seen, f"what is not allowed: {_Watch.seen}"
