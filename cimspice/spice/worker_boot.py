"""The first thing that a worker process runs: from here on it does not outlive its parent.

Imports take a second, on a busy machine many, and a parent that is killed meanwhile must not leave them
behind: so this file imports next to nothing before it watches the parent. It is run by its path and given
the descriptor of a connection, the parent's process id and the path of the file with its progress.
"""

import contextlib
import os
import select
import shutil
import sys
import threading
from pathlib import Path

_LOOK_MILLISECONDS = 1000


def leave_with_parent(descriptor: int, parent: int, folder: Path) -> None:
    """Wait until the other end of the connection is closed or this process has another parent; remove the
    private folder, and the pool's once it is empty, which that parent no longer can, and end.
    """
    watch = select.poll()
    watch.register(descriptor, 0)  # no data: only whether the other end hangs up
    while not watch.poll(_LOOK_MILLISECONDS) and os.getppid() == parent:
        pass
    shutil.rmtree(folder, ignore_errors=True)
    with contextlib.suppress(OSError):
        folder.parent.rmdir()
    os._exit(1)


def main() -> None:
    """Watch the parent, become what it says (path, main module), then serve."""
    descriptor, parent, progress = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    os.set_inheritable(descriptor, False)
    watched = (descriptor, parent, Path(progress).parent)
    threading.Thread(target=leave_with_parent, args=watched, daemon=True).start()

    from multiprocessing import current_process, spawn
    from multiprocessing.connection import Connection

    connection = Connection(descriptor)
    # As multiprocessing marks its own children: an unguarded script that makes a pool gets that error.
    vars(current_process())["_inheriting"] = True
    spawn.prepare(connection.recv())
    del vars(current_process())["_inheriting"]

    from cimspice.spice.worker import serve

    serve(connection, progress)


if __name__ == "__main__":
    main()
