"""Progress of a long command in stages, on stderr: live on a terminal, a line per stage elsewhere."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Self

from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from cimspice.cli.output import console, say


class Stages:
    """A context manager, called with what is done now, and how many of how many where that is known.

    Parameters
    ----------
    quiet
        Say nothing unless stderr is a terminal: for ``--json`` in a script.
    """

    def __init__(self, *, quiet: bool = False) -> None:
        self._live = sys.stderr.isatty()
        self._quiet = quiet and not self._live
        self._text = ""
        self._task: TaskID | None = None
        self._progress = Progress(
            SpinnerColumn(finished_text="[green]✓[/]"),
            TextColumn("{task.description}"),
            BarColumn(bar_width=20),
            TextColumn("{task.fields[count]}"),
            TimeElapsedColumn(),
            console=console(stderr=True),
            disable=not self._live,
        )

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._finish()
        self._progress.stop()

    def __call__(self, text: str, done: int = 0, total: int = 0) -> None:
        """Say that stage ``text`` has ``done`` of ``total`` pieces; a new text ends the stage before."""
        count = f"{done}/{total}" if total else ""
        if text != self._text:
            self._finish()
            self._text = text
            self._task = self._progress.add_task(text, total=total or None, completed=done, count=count)
            if not self._live and not self._quiet:
                known = f" ({done} of {total} are in the store)" if done else f" ({total})" if total else ""
                say(f"{text}{known}")
        elif self._task is not None:
            self._progress.update(self._task, completed=done, count=count)

    def _finish(self) -> None:
        if self._task is not None:
            self._progress.update(self._task, total=1, completed=1)
            self._task = None
