"""Waveforms: named vectors over one axis, and the two questions asked of them: value at, crossing of."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pandas as pd

from cimspice.errors import ParameterError

Edge = Literal["rise", "fall", "either"]


@dataclass(frozen=True)
class Waveforms:
    """Result of one analysis."""

    axis_name: str | None
    """``"time"`` (s), ``"v-sweep"`` (the swept source's unit), ``"frequency"`` (Hz), or ``None`` for an
    operating point."""
    vectors: Mapping[str, np.ndarray] = field(repr=False)
    """name -> array of shape (points,), real or complex. Node voltages (V) by the node's name, branch
    currents (A) as ``vname#branch``; the axis is among them under its own name."""

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the vectors, without the axis."""
        return tuple(name for name in self.vectors if name != self.axis_name)

    @property
    def axis(self) -> np.ndarray:
        """The axis, shape (points,); ``[0.0]`` for an operating point."""
        return np.zeros(1) if self.axis_name is None else self.vectors[self.axis_name]

    def __getitem__(self, name: str) -> np.ndarray:
        """One vector, shape (points,). Case does not matter; ``v(a)`` and ``i(v1)`` are understood."""
        key = plain_name(name)
        if key not in self.vectors:
            known = ", ".join(list(self.vectors)[:20])
            raise ParameterError(f"no vector {name!r} in the result", remedy=f"kept are: {known}")
        return self.vectors[key]

    def __contains__(self, name: str) -> bool:
        return plain_name(name) in self.vectors

    def __len__(self) -> int:
        return len(self.axis)

    def __iter__(self) -> Iterator[str]:
        return iter(self.vectors)

    def frame(self) -> pd.DataFrame:
        """All vectors as columns, indexed by the axis (by 0 for an operating point)."""
        columns = {name: self.vectors[name] for name in self.names}
        return pd.DataFrame(columns, index=pd.Index(self.axis, name=self.axis_name))

    def at(self, value: float) -> dict[str, float | complex]:
        """Every vector linearly interpolated at ``value`` of the axis, which must be monotonic."""
        axis = np.real(self.axis)
        if self.axis_name is None:
            return {name: self.vectors[name][0].item() for name in self.names}
        if not np.min(axis) <= value <= np.max(axis):
            span = f"{np.min(axis):.6g} to {np.max(axis):.6g}"
            raise ParameterError(
                f"{self.axis_name} = {value!r} is outside the result", remedy=f"stay in {span}"
            )
        forward = axis[-1] >= axis[0]
        order = slice(None) if forward else slice(None, None, -1)
        if np.any(np.diff(axis[order]) < 0):
            raise ParameterError(
                f"{self.axis_name} is not monotonic (a nested sweep?)", remedy="slice the vectors"
            )
        return {n: np.interp(value, axis[order], self.vectors[n][order]).item() for n in self.names}

    def crossings(self, name: str, level: float, edge: Edge = "either", after: float = -np.inf) -> np.ndarray:
        """Every axis value >= ``after`` at which a real vector crosses ``level``, linearly interpolated."""
        axis, value = np.real(self.axis), self[name] - level
        if np.iscomplexobj(value):
            raise ParameterError(f"{name!r} is complex", remedy="take its magnitude first")
        rising = (value[:-1] < 0) & (value[1:] >= 0)
        falling = (value[:-1] > 0) & (value[1:] <= 0)
        chosen = {"rise": rising, "fall": falling, "either": rising | falling}
        if edge not in chosen:
            raise ParameterError(f"edge {edge!r} is unknown", remedy="use 'rise', 'fall' or 'either'")
        k = np.flatnonzero(chosen[edge])
        found = axis[k] + (axis[k + 1] - axis[k]) * value[k] / (value[k] - value[k + 1])
        return found[found >= after]

    def crossing(
        self, name: str, level: float, edge: Edge = "either", after: float = -np.inf, count: int = 1
    ) -> float:
        """The ``count``-th crossing of ``level`` at or after ``after`` (axis units); nan if there is none."""
        found = self.crossings(name, level, edge, after)
        return float(found[count - 1]) if 1 <= count <= len(found) else float("nan")


def plain_name(name: str) -> str:
    """A vector's name as a session has it: ``v(out)`` is ``out``, ``i(v1)`` is ``v1#branch``."""
    key = name.lower()
    if key[:2] not in ("v(", "i(") or not key.endswith(")"):
        return key
    inner = key[2:-1]
    return inner + "#branch" if key[0] == "i" and not inner.startswith("@") else inner
