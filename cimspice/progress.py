"""How far a long computation is."""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TextIO

_WIDTH = 24  # characters of a bar
_SECONDS_BETWEEN = 0.2


@dataclass(frozen=True)
class Progress:
    """How far a computation is."""

    points: int = 0
    """How many pieces the stage has; 0 where that is not known."""
    done: int = 0
    """Finished pieces, with the ``cached`` ones, kept from before, and the ``relaxed`` ones, which converged
    with relaxed options only."""
    cached: int = 0
    failed: int = 0
    """Pieces that failed; ``done + failed`` are finished."""
    relaxed: int = 0
    stage: str = ""
    """What is done now, in words; empty where there is but one stage."""


class Bar:
    """Shows progress on one line of text, in a notebook, a terminal or a log: ``progress=Bar()``.

    A line is written over where the stream allows it; each stage leaves its last one.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream
        self._stage: str | None = None
        self._shown = 0.0

    def __call__(self, state: Progress) -> None:
        stream = self._stream or sys.stdout
        finished, now = state.done + state.failed, time.monotonic()
        fresh = state.stage != self._stage
        if not fresh and finished != state.points and now - self._shown < _SECONDS_BETWEEN:
            return
        if fresh and self._stage is not None:
            stream.write("\n")
        self._stage, self._shown = state.stage, now
        full = _WIDTH * finished // state.points if state.points else 0
        bar = f"{'█' * full}{'░' * (_WIDTH - full)} {finished}/{state.points}" if state.points else ""
        notes = "".join(
            f", {n} {what}" for n, what in ((state.cached, "known"), (state.failed, "failed")) if n
        )
        stream.write("\r" + f"{bar}{notes} {state.stage}".strip())
        stream.flush()


OnProgress = Callable[[Progress], object]
"""What is called as a computation goes on."""


def silent(_: Progress) -> None:
    """Shows nothing."""


def in_stage(stage: str, progress: OnProgress) -> OnProgress:
    """Counts of one stage, for a computation that does not know which stage it is."""
    return lambda state: progress(replace(state, stage=stage))
