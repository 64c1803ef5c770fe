"""Which item a worker runs and since when: three numbers in a file that worker and parent both map."""

import mmap
import struct
import time
from pathlib import Path

NO_ITEM = -1

_LAYOUT = struct.Struct("ddd")


class Progress:
    """The worker writes it, the parent reads it, without a message.

    Parameters
    ----------
    path
        The file; made if absent.
    """

    def __init__(self, path: Path) -> None:
        if not path.exists():
            path.write_bytes(_LAYOUT.pack(NO_ITEM, 0.0, 0.0))
        with path.open("r+b") as file:
            self._shared = mmap.mmap(file.fileno(), _LAYOUT.size)

    def begin(self, index: int) -> None:
        """An item begins now."""
        _LAYOUT.pack_into(self._shared, 0, index, time.monotonic(), time.process_time())

    def end(self) -> None:
        """Nothing runs."""
        _LAYOUT.pack_into(self._shared, 0, NO_ITEM, 0.0, 0.0)

    def read(self) -> tuple[int, float, float]:
        """Index of the item that runs (or `NO_ITEM`), when it began (monotonic clock, s), and the CPU time
        that the worker had taken by then (s)."""
        index, began, cpu = _LAYOUT.unpack_from(self._shared)
        return int(index), began, cpu
