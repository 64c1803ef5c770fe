"""Behavioural switching law: how a pulse moves the conductance, over voltage, width and starting point."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from cimspice.errors import FitError, ParameterError
from cimspice.fit.fit import Fit
from cimspice.fit.least_squares import Solution, solve
from cimspice.fit.model import Model, register
from cimspice.fit.noise import Noise
from cimspice.fit.ranges import Ranges
from cimspice.fit.table import TableSchema
from cimspice.rram.model.tables import RRAM_PULSES

_LEAST_CHANGE = 1e-6


@register
@dataclass(frozen=True, kw_only=True, eq=False)
class SwitchingLaw(Model):
    """dx/dt = e^(a + V/V₀) (1 − x)^p on SET, −e^(a + |V|/V₀) x^p on RESET, x = (G − G_min)/(G_max − G_min).

    ``log_rate_*`` is a in ln(1/s), ``voltage_*`` V₀ in V, ``order_*`` p. A pulse of constant voltage has the
    closed form y^(1−p) = y₀^(1−p) + (p − 1) e^(…) t of what is left, y = 1 − x or x. ``conductance_min`` and
    ``conductance_max`` in S are settings: where SET and RESET end. A polarity that the table lacks has a rate
    of zero (``log_rate`` −1000).

    References
    ----------
    Exponential voltage dependence: R. Waser, R. Dittmann, G. Staikov, K. Szot, Adv. Mater. 21 (2009) 2632;
    the power of what is left is empirical.
    """

    kind: ClassVar[str] = "rram_switching"
    schema: ClassVar[TableSchema] = RRAM_PULSES
    parameter_units: ClassVar[Mapping[str, str]] = {
        "log_rate_set": "1",
        "voltage_set": "V",
        "order_set": "1",
        "log_rate_reset": "1",
        "voltage_reset": "V",
        "order_reset": "1",
    }
    log_units: ClassVar[Mapping[str, str]] = {"log_rate_set": "1/s", "log_rate_reset": "1/s"}
    log_rate_set: float
    voltage_set: float
    order_set: float
    log_rate_reset: float
    voltage_reset: float
    order_reset: float
    conductance_min: float
    conductance_max: float

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.conductance_min < self.conductance_max:
            raise ParameterError(
                f"conductances from {self.conductance_min:g} to {self.conductance_max:g} S are no range",
                place=self.kind,
                remedy="give 0 < conductance_min < conductance_max",
            )

    def normalised(self, conductance: ArrayLike) -> np.ndarray:
        """x of conductances in S; an error for one outside the law's range.

        Raises
        ------
        ParameterError
            For a conductance outside ``conductance_min`` to ``conductance_max``.
        """
        conductance = np.asarray(conductance, dtype=float)
        x = (conductance - self.conductance_min) / (self.conductance_max - self.conductance_min)
        bad = ~((x >= -1e-9) & (x <= 1 + 1e-9))
        if np.any(bad):
            raise ParameterError(
                f"a conductance is {conductance[bad].flat[0]:g} S",
                place=self.kind,
                remedy=f"conductances go from {self.conductance_min:g} to {self.conductance_max:g} S",
            )
        return np.clip(x, 0.0, 1.0)

    def velocity(self, voltage: ArrayLike, conductance: ArrayLike) -> np.ndarray:
        """dG/dt in S/s at voltages in V and conductances in S."""
        self._check(pulse_voltage=voltage)
        voltage, x = np.asarray(voltage, dtype=float), self.normalised(conductance)
        rate, order = self._rate(voltage)
        left = np.where(voltage > 0, 1 - x, x)
        return np.sign(voltage) * rate * left**order * (self.conductance_max - self.conductance_min)

    def after(self, voltage: ArrayLike, width: ArrayLike, conductance: ArrayLike) -> np.ndarray:
        """Conductance in S after a pulse of ``voltage`` in V and ``width`` in s."""
        self._check(pulse_voltage=voltage, pulse_width=width)
        voltage, x = np.asarray(voltage, dtype=float), self.normalised(conductance)
        reached = self._after(voltage, np.asarray(width, dtype=float), x)
        return self.conductance_min + (self.conductance_max - self.conductance_min) * reached

    def _rate(self, voltage: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        up = voltage > 0
        scale = np.where(up, self.voltage_set, self.voltage_reset)
        log_rate = np.where(up, self.log_rate_set, self.log_rate_reset) + np.abs(voltage) / scale
        rate = np.where(voltage == 0, 0.0, np.exp(np.minimum(log_rate, 600.0)))
        return rate, np.where(up, self.order_set, self.order_reset)

    def _after(self, voltage: np.ndarray, width: np.ndarray, x: np.ndarray) -> np.ndarray:
        rate, order = self._rate(voltage)
        left = np.where(voltage > 0, 1 - x, x)
        power = order - 1
        near_one = np.abs(power) < 1e-6
        safe = np.where(near_one, 1.0, power)
        with np.errstate(divide="ignore", over="ignore"):
            base = np.maximum(left, 1e-300) ** -safe + safe * rate * width
            closed = np.where(base > 0, np.maximum(base, 1e-300) ** (-1 / safe), 0.0)
        remaining = np.where(near_one, left * np.exp(-rate * width), np.minimum(closed, left))
        return np.where(voltage > 0, 1 - remaining, remaining)

    @classmethod
    def fit(
        cls,
        table: pd.DataFrame,
        *,
        corner: str | None = None,
        temperature: float | None = None,
        conductance_min: float | None = None,
        conductance_max: float | None = None,
    ) -> Fit[SwitchingLaw]:
        """Fit to pulses: voltage, width, conductance before and after. The residual is that of x after.

        The conductance range is that of the table unless it is given; it must contain the table's.
        """
        rows = RRAM_PULSES.rows(table, corner=corner, temperature=temperature)
        voltage, width, before, after = (
            rows[name].to_numpy()
            for name in ("pulse_voltage", "pulse_width", "conductance_before", "conductance_after")
        )
        both = np.concatenate([before, after])
        low = float(both.min()) if conductance_min is None else conductance_min
        high = float(both.max()) if conductance_max is None else conductance_max
        seen = Ranges.seen(
            {"pulse_voltage": "V", "pulse_width": "s"}, pulse_voltage=voltage, pulse_width=width
        )
        frame = _law({}, low, high)
        x0, x1 = frame.normalised(before), frame.normalised(after)
        parts = {}
        for name, sign in (("set", 1), ("reset", -1)):
            chosen = sign * voltage > 0
            if chosen.any():
                parts[name] = _fit_polarity(frame, name, rows[chosen], x0[chosen], x1[chosen])
        if not parts:
            raise FitError(
                "no pulse has a voltage other than 0",
                place="rram_pulses table",
                remedy="add SET or RESET pulses",
            )
        values: dict[str, float] = {}
        for part in parts.values():
            values.update(dict(zip(part.names, part.values.tolist(), strict=True)))
        model = _law(values, low, high, seen)
        return Fit.assemble(
            model,
            _joined(parts, tuple(cls.parameter_units)),
            full_scale=1.0,
            full_scale_name="conductance range",
            unit="1",
            table=table,
        )


def _law(values: Mapping[str, float], low: float, high: float, seen: Ranges | None = None) -> SwitchingLaw:
    """The law with these parameters; a polarity that they do not name does not move."""
    numbers: dict[str, Any] = {**_still("set"), **_still("reset"), **values}
    return SwitchingLaw(**numbers, conductance_min=low, conductance_max=high, ranges=seen or Ranges())


def _still(name: str) -> dict[str, float]:
    """Parameters of a polarity that does not move."""
    return {f"log_rate_{name}": -1000.0, f"voltage_{name}": 1.0, f"order_{name}": 1.0}


def _fit_polarity(frame: SwitchingLaw, name: str, rows: pd.DataFrame, x0, x1) -> Solution:
    """The three parameters of one polarity."""
    names = tuple(_still(name))
    voltage, width = rows["pulse_voltage"].to_numpy(), rows["pulse_width"].to_numpy()
    if np.max(np.abs(x1 - x0)) < _LEAST_CHANGE:
        raise FitError(
            f"no {name.upper()} pulse changes the conductance",
            place="rram_pulses table",
            remedy="use higher voltages or longer pulses, or leave these rows out",
        )

    def residuals(p: np.ndarray) -> np.ndarray:
        law = _law(dict(zip(names, map(float, p), strict=True)), frame.conductance_min, frame.conductance_max)
        return law._after(voltage, width, x0) - x1

    left0, left1 = (np.clip(1 - x if name == "set" else x, 1e-9, 1.0) for x in (x0, x1))
    moved = np.clip(np.log(left0 / left1), 1e-9, None) / width
    inside = (left1 > 0.02) & (left0 - left1 > 0.01)
    chosen = inside if inside.sum() >= 2 else np.ones_like(inside)
    slope, offset = (
        np.polyfit(np.abs(voltage[chosen]), np.log(moved[chosen]), 1)
        if np.ptp(voltage[chosen])
        else (5.0, float(np.log(moved[chosen]).mean() - 5.0 * np.abs(voltage[chosen]).mean()))
    )
    scale = float(np.clip(1 / slope if slope > 0 else 0.5, 0.02, 2.0))
    offset = float(np.mean(np.log(moved[chosen]) - np.abs(voltage[chosen]) / scale))
    starts = [
        np.array([offset + shift, scale, order]) for shift, order in ((0.0, 1.1), (1.0, 2.0), (0.0, 0.6))
    ]
    bounds = (np.array([-600.0, 1e-3, 0.05]), np.array([600.0, 20.0, 10.0]))
    per = 1 / (frame.conductance_max - frame.conductance_min)
    noise = Noise.of(rows, "conductance_after")
    return solve(residuals, starts, names=names, scale=1.0, bounds=bounds, noise=noise, per=per)


def _joined(parts: dict[str, Solution], names: tuple[str, ...]) -> Solution:
    """Both polarities as one solution; a missing one is marked as not identifiable."""
    covariance, limits = np.zeros((len(names),) * 2), np.tile([-np.inf, np.inf], (len(names), 1))
    values, halves = np.zeros(len(names)), np.full(len(names), np.inf)
    reasons = ["the table has no pulse of this polarity"] * len(names)
    still = {**_still("set"), **_still("reset")}
    for k, name in enumerate(names):
        values[k], covariance[k, k] = still[name], np.inf
    for part in parts.values():
        index = [names.index(name) for name in part.names]
        covariance[np.ix_(index, index)] = part.covariance
        values[index], halves[index] = part.values, part.half_widths
        limits[index] = part.limits
        for k, reason in zip(index, part.reasons, strict=True):
            reasons[k] = reason
    residuals = np.concatenate([part.residuals for part in parts.values()])
    freedom = sum(part.degrees_of_freedom for part in parts.values())
    weighting = ", ".join(dict.fromkeys(part.weighting for part in parts.values()))
    return Solution(names, values, covariance, halves, tuple(reasons), residuals, freedom, limits, weighting)
