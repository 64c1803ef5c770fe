"""`[adaptive]` of a campaign file: which quantity has to be known how well, from how many points at most."""

from __future__ import annotations

import numbers
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, StrictInt, model_validator

from cimspice.bench import Bench
from cimspice.campaign.check import Problems, Sweep

_PER_INPUT, _PER_CATEGORY = 10, 4


class Adaptive(BaseModel):
    """``[adaptive]``: run some points of the grid that ``[sweep]`` describes, each where the fit needs it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    column: str
    """Measured quantity that is fitted."""
    scale: Literal["log", "linear"] = "log"
    """``"log"``: its logarithm is fitted, errors are fractions of the value; ``"linear"``: errors are in the
    column's unit."""
    negligible: FiniteFloat = Field(default=0.0, ge=0)
    """With ``"log"``: errors are fractions of (value + negligible), in the column's unit, so that no points
    are spent where the value does not matter."""
    target: FiniteFloat = Field(gt=0)
    """The error to be reached: rms over the held-out points."""
    budget: StrictInt = Field(ge=10, le=20_000)
    """Simulations at most, held-out points included."""
    start: StrictInt | None = Field(default=None, ge=4)
    """Points that fill the space evenly before the first fit; default 10 for each axis of numbers, at least 4
    for each category (corner, word)."""
    batch: StrictInt = Field(default=10, ge=1, le=1000)
    """Points between two fits."""
    held_out: StrictInt = Field(default=50, ge=10)
    """Points drawn at random, run first and never fitted: what the error is measured on."""
    seed: StrictInt = Field(default=1, ge=0)
    """Of all draws."""

    @model_validator(mode="after")
    def _consistent(self) -> Adaptive:
        if self.negligible and self.scale == "linear":
            raise ValueError(
                'negligible belongs to scale = "log": with "linear" the target is an error itself'
            )
        return self

    def first(self, inputs: int, categories: int) -> int:
        """Points before the first fit, of a grid with so many axes of numbers, and categories."""
        return self.start or max(_PER_INPUT * inputs, _PER_CATEGORY * categories)

    def transformed(self, values: np.ndarray) -> np.ndarray:
        """What is fitted."""
        return np.log(values) if self.scale == "log" else values

    def restored(self, fitted: np.ndarray) -> np.ndarray:
        """The inverse of :meth:`transformed`."""
        return np.exp(fitted) if self.scale == "log" else fitted

    def errors(self, predicted: np.ndarray, values: np.ndarray) -> np.ndarray:
        """Errors of predicted values, as fractions or in the column's unit."""
        return (predicted - values) / self._size(values)

    def sensitivity(self, fitted: np.ndarray) -> np.ndarray:
        """How much an error of what is fitted counts."""
        values = self.restored(fitted)
        return values / self._size(values) if self.scale == "log" else np.ones_like(values)

    def _size(self, values: np.ndarray) -> np.ndarray | float:
        return values + self.negligible if self.scale == "log" else 1.0


def check_adaptive(
    bench: Bench, adaptive: Adaptive, sweep: Sweep, raw: Mapping[str, Any], problems: Problems
) -> None:
    """The section against bench and sweep; what is wrong is noted."""
    if adaptive.column not in bench.columns:
        known = ", ".join(bench.columns)
        problems.add("adaptive.column", adaptive.column, f"is not measured; bench {bench.name} has {known}")
    if "monte_carlo" in raw:
        problems.add(
            "adaptive", adaptive.column, "cannot stand with [monte_carlo]: samples are no axis to choose on"
        )
    axes = [*sweep.axes.values(), sweep.temperatures]
    if not any(_is_range(values) for values in axes):
        problems.add("adaptive", adaptive.column, "needs an axis of at least three numbers in [sweep]")
    least = adaptive.held_out + (adaptive.start or _PER_INPUT)
    if adaptive.budget <= least:
        what = f"leaves nothing to choose: held-out and first points are {least} already"
        problems.add("adaptive.budget", adaptive.budget, what)


def _is_range(values: Sequence[object]) -> bool:
    return len(values) > 2 and all(
        isinstance(value, numbers.Real) and not isinstance(value, bool) for value in values
    )
