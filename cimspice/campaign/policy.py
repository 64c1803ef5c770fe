"""What becomes of points that fail: `[failures]` of a campaign file, and the options of a second try."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictInt

if TYPE_CHECKING:
    from cimspice.spice import SolverOptions


class FailurePolicy(BaseModel):
    """``[failures]``: a failed point is recorded and does not stop the others, unless this says otherwise."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    retry: Literal["none", "relaxed"] = "none"
    """``"relaxed"``: a point that does not converge is run again with :func:`relaxed` options. Its result is
    kept apart from one with the bench's own options, and marked."""
    stop_after: StrictInt | None = Field(default=None, ge=1)
    """Failed points after which no more are run; None: all are."""
    time_limit: float = Field(default=600.0, gt=0, le=1e6, allow_inf_nan=False)
    """Seconds that one piece of work may take, mostly a single point where points are slow: past it the
    worker is killed, and a point that hangs fails."""


def relaxed(options: SolverOptions) -> SolverOptions:
    """Options under which more circuits converge, at a cost in accuracy.

    Ten times the tolerances (of ngspice's defaults where the bench says nothing, ``reltol`` at most 0.01),
    ``gmin`` of 10 pS at least, ten times the iterations, and Gear's method, which damps the trapezoidal
    rule's ringing.
    """
    return replace(
        options,
        reltol=max(options.reltol or 0.0, min(10 * (options.reltol or 1e-3), 1e-2)),
        abstol=10 * (options.abstol or 1e-12),
        vntol=10 * (options.vntol or 1e-6),
        gmin=max(options.gmin or 0.0, 1e-11),
        itl1=10 * (options.itl1 or 100),
        itl2=10 * (options.itl2 or 50),
        itl4=10 * (options.itl4 or 10),
        method="gear",
    )


def relaxed_digest(digest: str) -> str:
    """Digest under which a point's relaxed result is kept: never taken for one with the bench's options."""
    return hashlib.sha256(f"relaxed 1 {digest}".encode()).hexdigest()
