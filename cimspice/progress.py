"""How far a long computation is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Progress:
    """How far a computation is.

    Attributes
    ----------
    stage
        What is done now, in words; empty where there is but one stage.
    points
        How many pieces the stage has; 0 where that is not known.
    done
        Finished pieces, with the ``cached`` ones, kept from before, and the ``relaxed`` ones, which converged
        with relaxed options only.
    failed
        Pieces that failed; ``done + failed`` are finished.
    """

    points: int = 0
    done: int = 0
    cached: int = 0
    failed: int = 0
    relaxed: int = 0
    stage: str = ""


OnProgress = Callable[[Progress], object]
"""What is called as a computation goes on."""


def silent(_: Progress) -> None:
    """Shows nothing."""


def in_stage(stage: str, progress: OnProgress) -> OnProgress:
    """Counts of one stage, for a computation that does not know which stage it is."""
    return lambda state: progress(replace(state, stage=stage))
