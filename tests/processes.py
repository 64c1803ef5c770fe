"""Looking at other processes in /proc."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path


def _stat(process: int) -> list[str]:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []


def alive(process: int) -> bool:
    """Whether a process is there and no zombie."""
    words = _stat(process)
    return bool(words) and words[0] != "Z"


def children(parent: int) -> list[int]:
    """Child processes of a process."""
    every = [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]
    return [process for process in every if (words := _stat(process)) and int(words[1]) == parent]


def within(seconds: float, condition: Callable[[], object]) -> bool:
    """Whether a condition comes true in that time."""
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)
    return bool(condition())
