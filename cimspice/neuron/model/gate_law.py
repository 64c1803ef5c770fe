"""Current at reset as a function of the gate bias, and the gate bias that gives a current."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
import pandas as pd
from numpy.polynomial import chebyshev
from numpy.typing import ArrayLike
from scipy import stats

from cimspice.errors import FitError, MappingError, ParameterError, TableError
from cimspice.fit.curves import CurveSelection, synapse_curves, transfer_rows
from cimspice.fit.fit import Fit
from cimspice.fit.least_squares import solve_linear
from cimspice.fit.model import Model, register
from cimspice.fit.noise import Noise
from cimspice.fit.ranges import Ranges
from cimspice.fit.table import GATE_LAW, TableSchema

_GRID = 1025
# A coefficient of ln I known to 0.1 % of the current is known, even if it may be zero.
_RESOLUTION = 1e-3
_MONOTONE = 0.8


@dataclass(frozen=True, kw_only=True, eq=False)
class GateLaw(Model):
    """I(V_g) at the reset voltage, monotone over the range of ``gate_bias`` (V): up for n, down for p."""

    schema: ClassVar[TableSchema] = GATE_LAW
    polarity: str

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.polarity not in ("n", "p"):
            raise ParameterError(f"polarity is {self.polarity!r}", remedy='use "n" or "p"')
        if "gate_bias" not in self.ranges:
            raise ParameterError(f"a {self.kind} needs the range of gate_bias that it holds on")

    @staticmethod
    def completed(table: pd.DataFrame, polarity: str | None = None) -> pd.DataFrame:
        """See :func:`as_driven`."""
        return as_driven(table, polarity)

    @abstractmethod
    def log_current(self, gate_bias: ArrayLike) -> np.ndarray:
        """ln(I / 1 A)."""

    @abstractmethod
    def log_slope(self, gate_bias: ArrayLike) -> np.ndarray:
        """∂ln I/∂V_g in 1/V."""

    @abstractmethod
    def gradient(self, gate_bias: ArrayLike) -> np.ndarray:
        """∂ln I/∂parameter, (parameters, ...), in the order of :meth:`parameters`."""

    def current(self, gate_bias: ArrayLike) -> np.ndarray:
        """Current at reset in A of gate biases in V."""
        self._check(gate_bias=gate_bias)
        return np.exp(self.log_current(gate_bias))

    @cached_property
    def _grid(self) -> tuple[np.ndarray, np.ndarray]:
        """Gate biases (g,) over the range and ln I there, by rising current."""
        seen = self.ranges["gate_bias"]
        biases = np.linspace(seen.low, seen.high, _GRID)
        logarithms = self.log_current(biases)
        return (biases, logarithms) if logarithms[0] < logarithms[-1] else (biases[::-1], logarithms[::-1])

    @property
    def largest(self) -> tuple[float, float]:
        """The largest current of the range (A) and its gate bias (V)."""
        return float(np.exp(self._grid[1][-1])), float(self._grid[0][-1])

    @property
    def smallest(self) -> tuple[float, float]:
        """The smallest current of the range (A) and its gate bias (V)."""
        return float(np.exp(self._grid[1][0])), float(self._grid[0][0])

    def gate_bias(self, current: ArrayLike) -> np.ndarray:
        """Gate bias in V of currents at reset in A, the inverse of :meth:`current`, to 1e-12 relative in I.

        Raises
        ------
        MappingError
            A current below the smallest or above the largest of the range.
        """
        current = np.asarray(current, dtype=float)
        low, high = self.smallest, self.largest
        slack = 1e-9
        bad = current[~((current >= low[0] * (1 - slack)) & (current <= high[0] * (1 + slack)))]
        if bad.size:
            side, limit = ("largest", high) if bad.flat[0] > high[0] else ("smallest", low)
            raise MappingError(
                f"no gate bias gives {bad.flat[0]:.6g} A ({bad.size} of {current.size} are out of range)",
                place=f"{self.kind}, polarity {self.polarity}",
                remedy=f"the {side} current is {limit[0]:.6g} A at {limit[1]:.6g} V: scale the weights, or "
                "characterise a wider range of gate bias",
            )
        biases, logarithms = self._grid
        wanted = np.log(current)
        bias = np.interp(wanted, logarithms, biases)
        for _ in range(4):  # Newton from a grid of a thousand points: quadratic, three steps reach round-off
            bias = bias - (self.log_current(bias) - wanted) / self.log_slope(bias)
        return self.ranges["gate_bias"].clip(bias)

    def _require_monotone(self) -> None:
        steps = np.diff(self.log_current(np.linspace(*self._ends(), _GRID)))
        if not (np.all(steps > 0) if self.polarity == "n" else np.all(steps < 0)):
            raise FitError(
                f"the fitted {self.kind} is not monotone in the gate bias",
                remedy="fit a lower degree or a narrower range of gate bias, or check the data for outliers",
            )

    def _ends(self) -> tuple[float, float]:
        return self.ranges["gate_bias"].low, self.ranges["gate_bias"].high


def as_driven(table: pd.DataFrame, polarity: str | None = None) -> pd.DataFrame:
    """A gate law's table with magnitudes of currents that flow the other way, and with its polarity.

    Where neither ``polarity`` nor a column says it, the current does if it rises or falls with the gate bias
    nearly throughout (rank correlation beyond ±0.8). What was done stands in ``attrs``.

    TableError if none of them says it; FitError for a single gate bias.
    """
    if not {"gate_bias", "current"} <= {*table} or table.empty:
        return table
    done: dict[str, str] = {}
    result = table.copy()
    owner = table["polarity"] if "polarity" in table else np.zeros(len(table))
    reversed_ = table["current"].groupby(owner).transform("sum") < 0
    if reversed_.any():
        result["current"] = table["current"].where(~reversed_, -table["current"])
        done["current_sign"] = "reversed"
    if "polarity" not in table:
        if table["gate_bias"].nunique() < 2:
            raise FitError("a gate law needs several gate biases", remedy="sweep the gate bias")
        mean = result.groupby("gate_bias")["current"].mean()
        ranks = stats.rankdata(mean.index), stats.rankdata(mean)
        slope = float(np.corrcoef(*ranks)[0, 1]) if mean.nunique() > 1 else 0.0
        if polarity is None and abs(slope) < _MONOTONE:
            raise TableError(
                "neither a column nor the current says the polarity: the current does not rise or fall with "
                "the gate bias throughout",
                place="gate_law table, column 'polarity'",
                remedy="say it: --option polarity=n or --option polarity=p",
            )
        result["polarity"] = polarity or ("n" if slope > 0 else "p")
        if polarity is None:
            done["polarity"] = result["polarity"].iloc[0]
            rises = "rises" if slope > 0 else "falls"
            done["polarity_from"] = f"the current, which {rises} with the gate bias"
    result.attrs = {**table.attrs, "provenance": {**table.attrs.get("provenance", {}), **done}}
    return result


def currents_at_reset(
    table: pd.DataFrame, selection: CurveSelection
) -> tuple[np.ndarray, np.ndarray, Noise | None]:
    """Gate biases (k,) in V, currents at the reset voltage (k,) in A, and the noise of single ones.

    A transfer curve is taken as it is, at the membrane voltage of its measurement. Of output curves each
    current is that of the fourth-degree polynomial through its curve, so that noise averages out and V0 need
    not be one of the points.
    """
    table = as_driven(table, selection.polarity)
    rows = transfer_rows(table, selection)
    if rows is not None:
        return rows["gate_bias"].to_numpy(), rows["current"].to_numpy(), Noise.of(rows, "current")
    curves = sorted(synapse_curves(table, selection), key=lambda curve: curve.gate_bias)
    currents = []
    for curve in curves:
        degree = min(4, curve.current.size - 1)
        currents.append(np.polynomial.Polynomial.fit(curve.displacement, curve.current, degree)(0.0))
    return np.array([curve.gate_bias for curve in curves]), np.array(currents), None


@register
@dataclass(frozen=True, kw_only=True, eq=False)
class PolynomialGateLaw(GateLaw):
    """ln(I / 1 A) = Σ_k coefficients[k] T_k(u), T_k Chebyshev's polynomials, u = (V_g − centre)/half_width.

    ``coefficients`` (degree + 1,) are numbers; ``centre`` and ``half_width`` in V map the range to −1…1.
    """

    kind: ClassVar[str] = "polynomial_gate_law"
    parameter_units: ClassVar[Mapping[str, str]] = {"coefficients": "1"}
    coefficients: np.ndarray
    centre: float
    half_width: float

    def log_current(self, gate_bias: ArrayLike) -> np.ndarray:
        return chebyshev.chebval(self._unit(gate_bias), self.coefficients)

    def log_slope(self, gate_bias: ArrayLike) -> np.ndarray:
        return (
            chebyshev.chebval(self._unit(gate_bias), chebyshev.chebder(self.coefficients)) / self.half_width
        )

    def gradient(self, gate_bias: ArrayLike) -> np.ndarray:
        return np.moveaxis(chebyshev.chebvander(self._unit(gate_bias), self.coefficients.size - 1), -1, 0)

    def _unit(self, gate_bias: ArrayLike) -> np.ndarray:
        return (np.asarray(gate_bias, dtype=float) - self.centre) / self.half_width

    @classmethod
    def fit(
        cls, table: pd.DataFrame, selection: CurveSelection, *, degree: int = 8
    ) -> Fit[PolynomialGateLaw]:
        """Fit ln I at reset over the gate biases of a synapse table; residuals are relative."""
        biases, currents, noise = currents_at_reset(table, selection)
        centre, half_width = (biases.max() + biases.min()) / 2, (biases.max() - biases.min()) / 2
        if half_width == 0:
            raise FitError("a gate law needs several gate biases", remedy="sweep the gate bias")
        design = chebyshev.chebvander((biases - centre) / half_width, degree)
        names = [f"coefficients[{k}]" for k in range(degree + 1)]
        solution = solve_linear(
            design,
            np.log(currents),
            names=names,
            resolution=dict.fromkeys(names, _RESOLUTION),
            noise=noise,
            per=1 / currents,
        )
        model = cls(
            polarity=selection.polarity,
            coefficients=solution.values,
            centre=float(centre),
            half_width=float(half_width),
            ranges=Ranges.seen({"gate_bias": "V"}, gate_bias=biases),
        )
        return assemble_gate_law(model, solution, table)


def assemble_gate_law(model, solution, table) -> Fit:
    """Fit of a gate law whose residuals are those of ln I."""
    model._require_monotone()
    return Fit.assemble(
        model, solution, full_scale=1.0, full_scale_name="current at reset", unit="1", table=table
    )
