"""Progress of a long command in stages, on stderr: live on a terminal, a line per stage elsewhere."""

import sys
from types import TracebackType
from typing import Self

from rich.progress import BarColumn, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

from cimspice.progress import Progress
from cimspice.screen.output import console, say


class Stages:
    """A context manager, called with each :class:`~cimspice.progress.Progress`.

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
        self._bar = Bar(
            SpinnerColumn(finished_text="[green]✓[/]"),
            TextColumn("{task.description}"),
            BarColumn(bar_width=20),
            TextColumn("{task.fields[count]}"),
            TimeElapsedColumn(),
            console=console(stderr=True),
            disable=not self._live,
        )

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._finish()
        self._bar.stop()

    def begin(self, text: str) -> None:
        """Say that a stage begins of which no pieces are known."""
        self(Progress(stage=text))

    def __call__(self, state: Progress) -> None:
        """Say how far a stage is; another one's name ends the stage before."""
        text, done, total = state.stage, state.done, state.points
        count = f"{done}/{total}" if total else ""
        if text != self._text:
            self._finish()
            self._text = text
            self._task = self._bar.add_task(text, total=total or None, completed=done, count=count)
            if not self._live and not self._quiet:
                known = f" ({total})" if total else ""
                known = f" ({state.cached} of {total} are in the store)" if state.cached else known
                say(f"{text}{known}")
        elif self._task is not None:
            self._bar.update(self._task, completed=done, count=count)

    def _finish(self) -> None:
        if self._task is not None:
            self._bar.update(self._task, total=1, completed=1)
            self._task = None
