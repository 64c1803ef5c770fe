"""Slices that were made before: in this process's memory, then in the cache folder, by content."""

import contextlib
import hashlib
import json
import os
import tempfile
from collections.abc import Callable
from functools import lru_cache
from itertools import count
from pathlib import Path
from typing import Any

from cimspice.pdk.source import cache_directory

_KEPT_IN_MEMORY = 64
_KEPT_ON_DISK = 1000
_PRUNED_EVERY = 100  # files written: looking at all that are kept costs more than writing one
_memory: dict[str, Any] = {}
_writes = count()


def cached(content: object, make: Callable[[], Any]) -> Any:
    """The JSON-able result of ``make()`` for this content, made only once.

    The key covers the content and the code of this package. A cache that is damaged or cannot be written
    costs time, never a result: it is made again.
    """
    key = hashlib.sha256(json.dumps([_code_digest(), content]).encode()).hexdigest()
    if key not in _memory:
        path = cache_directory() / "slices" / f"{key}.json"
        payload = _read(path)
        if payload is None:
            payload = make()
            with contextlib.suppress(OSError):
                _write(path, payload)
        while len(_memory) >= _KEPT_IN_MEMORY:
            _memory.pop(next(iter(_memory)))
        _memory[key] = payload
    return _memory[key]


def _read(path: Path) -> Any:
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        payload = stored["payload"]
        return payload if stored["sha256"] == _digest(payload) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _write(path: Path, payload: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"sha256": _digest(payload), "payload": payload})
    descriptor, temporary = tempfile.mkstemp(prefix=".partial-", dir=path.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    if next(_writes) % _PRUNED_EVERY == 0:
        _prune(path.parent)


def _prune(folder: Path) -> None:
    files = [
        (entry.stat().st_mtime, entry.path) for entry in os.scandir(folder) if entry.name.endswith(".json")
    ]
    for _, name in sorted(files)[: max(0, len(files) - _KEPT_ON_DISK)]:
        Path(name).unlink(missing_ok=True)


def _digest(payload: Any) -> str:
    return hashlib.sha256(json.dumps(payload, sort_keys=True).encode()).hexdigest()


@lru_cache(maxsize=1)
def _code_digest() -> str:
    """SHA-256 of this package's source: another version of the slicer never reads this one's slices."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()
