"""Where a model was fitted, and the warning when it is used elsewhere."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from cimspice.errors import ParameterError

# Round-off of a sweep's last point must not count as leaving the range.
_SLACK = 1e-9


class ModelRangeWarning(UserWarning):
    """A model is evaluated outside the range it was fitted on."""


@dataclass(frozen=True)
class Range:
    """A closed interval of one column, in ``unit``."""

    low: float
    high: float
    unit: str = ""

    def __post_init__(self) -> None:
        if not (np.isfinite(self.low) and np.isfinite(self.high) and self.low <= self.high):
            raise ParameterError(
                f"not a range: {self.low} to {self.high} {self.unit}",
                remedy="give two finite numbers, low first",
            )

    @property
    def _slack(self) -> float:
        return _SLACK * max(self.high - self.low, abs(self.low), abs(self.high))

    def contains(self, values: ArrayLike) -> bool:
        """Whether every one of ``values`` lies inside (round-off allowed)."""
        values = np.asarray(values, dtype=float)
        if values.size == 0:
            return True
        return bool(values.min() >= self.low - self._slack and values.max() <= self.high + self._slack)

    def clip(self, values: ArrayLike) -> np.ndarray:
        """``values`` moved to the nearer end where they lie outside."""
        return np.clip(np.asarray(values, dtype=float), self.low, self.high)

    def __str__(self) -> str:
        return f"{self.low:.6g} to {self.high:.6g} {self.unit}".rstrip()


class Ranges(Mapping[str, Range]):
    """The ranges of a model's inputs by column name. Warns once per column and instance when one is left."""

    def __init__(self, ranges: Mapping[str, Range] | None = None) -> None:
        self._ranges = dict(ranges or {})
        self._warned: set[str] = set()

    @classmethod
    def seen(cls, units: Mapping[str, str], **columns: ArrayLike) -> Ranges:
        """The ranges that ``columns`` (name -> values) span; ``units`` gives each one's unit."""
        return cls(
            {
                name: Range(float(np.min(values)), float(np.max(values)), units.get(name, ""))
                for name, values in columns.items()
            }
        )

    def check(self, model: str, **inputs: ArrayLike) -> None:
        """Warn (:class:`ModelRangeWarning`) for each input that leaves its range for the first time."""
        for name, values in inputs.items():
            seen = self._ranges.get(name)
            if seen is None or name in self._warned or seen.contains(values):
                continue
            self._warned.add(name)
            values = np.asarray(values, dtype=float)
            warnings.warn(
                f"{model}: {name} from {values.min():.6g} to {values.max():.6g} {seen.unit} leaves the range "
                f"that the model was fitted on, {seen}; the result is an extrapolation",
                ModelRangeWarning,
                stacklevel=4,
            )

    def __getitem__(self, name: str) -> Range:
        return self._ranges[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._ranges)

    def __len__(self) -> int:
        return len(self._ranges)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Ranges) and self._ranges == other._ranges

    def __hash__(self) -> int:
        return hash(tuple(sorted(self._ranges.items(), key=lambda item: item[0])))

    def __repr__(self) -> str:
        return f"Ranges({self._ranges!r})"
