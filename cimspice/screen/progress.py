"""How far a campaign is, on stderr: bars for people, JSON lines for programs, or nothing."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from cimspice.screen.output import console

if TYPE_CHECKING:
    from cimspice.campaign import Progress

SECONDS_BETWEEN_LINES = 1.0


class Mode(StrEnum):
    """What is shown; ``auto`` is bars on a terminal and nothing elsewhere."""

    AUTO = "auto"
    BARS = "bars"
    QUIET = "quiet"
    JSON_LINES = "json-lines"


@contextmanager
def shown(mode: Mode, name: str, points: int) -> Iterator[Callable[[Progress], object]]:
    """Something to call with each `Progress` of a campaign of so many points."""
    if mode is Mode.AUTO:
        mode = Mode.BARS if sys.stderr.isatty() else Mode.QUIET
    if mode is Mode.BARS:
        with _bars(name, points) as show:
            yield show
    elif mode is Mode.JSON_LINES:
        yield JsonLines()
    else:
        yield lambda state: None


class JsonLines:
    """One JSON object per line: counts, seconds since the start, points per second of this run, seconds left
    (null while unknown). At most one a second, and always the first and the last.
    """

    def __init__(self) -> None:
        self._began = self._printed = time.monotonic()
        self._first = True

    def __call__(self, state: Progress) -> None:
        now = time.monotonic()
        finished = state.done + state.failed
        if not (self._first or finished == state.points or now - self._printed >= SECONDS_BETWEEN_LINES):
            return
        self._first, self._printed = False, now
        seconds, run = now - self._began, finished - state.cached
        rate = run / seconds if run and seconds > 0 else None
        left = (state.points - finished) / rate if rate else None
        line = {**asdict(state), "seconds": seconds, "points_per_second": rate, "seconds_left": left}
        sys.stderr.write(json.dumps(line) + "\n")
        sys.stderr.flush()


@contextmanager
def _bars(name: str, points: int) -> Iterator[Callable[[Progress], object]]:
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
    )
    began = time.monotonic()
    with Bar(*columns, console=console(stderr=True), transient=False) as bar:
        task = bar.add_task(name, total=points, note="", rate="")

        def show(state: Progress) -> None:
            run = state.done + state.failed - state.cached
            notes: dict[str, Any] = {"known": state.cached, "relaxed": state.relaxed}
            note = " ".join(f"{count} {what}" for what, count in notes.items() if count)
            note += f" [red]{state.failed} failed[/]" if state.failed else ""
            rate = f"{run / max(time.monotonic() - began, 1e-3):.3g}/s" if run else ""
            bar.update(task, completed=state.done + state.failed, note=note, rate=rate)

        yield show
