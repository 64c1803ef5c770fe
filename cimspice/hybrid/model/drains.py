"""What a pair of RRAM columns takes off its drains until the comparator is strobed, in both decisions.

Per column: a line that its clamp, a common gate, charges and holds; open cells, memories behind their access
transistors, draw its current; closed ones load it with their inner nodes; the clamp passes the current on
from the drain. These differential equations are the same for both columns, which the comparator's input
transistors couple.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations_with_replacement, pairwise
from typing import Any

import numpy as np
from scipy import optimize

from cimspice.arrays import Array
from cimspice.errors import FitError, ParameterError
from cimspice.hybrid.model.rram_column import RramColumn
from cimspice.rram.model.skywater import SkywaterReram

THERMAL = 2 * 0.02585
"""Twice the thermal voltage at 27 °C (V); at other temperatures the slope takes it up."""
STEP = 1e-11
"""Longest step (s)."""
_AT_ONCE = 2**14
"""Reads."""
_HIGHEST = 0.45
"""Voltage of a line (V) up to which currents are approximated."""


@dataclass(frozen=True, kw_only=True)
class PairRead:
    """How pairs of columns are read (s, V, ohm)."""

    settle: float
    integrate: float
    strobe: float
    edge: float
    """``settle``, ``integrate``, ``strobe``, ``edge``: as of ``hybrid_rram_column_read``."""
    clamp_voltage: float
    supply_voltage: float
    segment: float
    """Resistance of a line from row to row."""

    def __post_init__(self) -> None:
        if not self.integrate > 2 * self.edge > 0:
            raise ParameterError(
                f"drains are discharged for {self.integrate:g} s with edges of {self.edge:g} s",
                place="timing.integrate",
                remedy="discharge them for more than two edges",
            )


@dataclass(frozen=True, eq=False, kw_only=True)
class DrainLaw:
    """Discharge of the drains, and by how much they differ at the second strobe.

    At the second strobe the comparator's inner nodes have not returned to where they stood at first, which
    adds a cubic polynomial of both discharges at the first strobe and of both columns' closed cells of low
    resistance.
    """

    column: RramColumn
    read: PairRead
    clamp_current: float
    clamp_threshold: float
    clamp_slope: float
    clamp_saturation: float
    drain_effect: float
    """Of a clamp: i = I f²/(1 + s f) with f = ln(1 + exp u), u = ((v_gate − V)/n + d v_drain − v_line)/2φ, φ
    the thermal voltage; I, V, n, s, d (A, V, 1, 1, 1)."""
    line_capacitance: float
    line_coupling: float
    """``line_capacitance``, ``line_coupling``: of a line, and from the clamps' gates to it (F)."""
    cell_capacitance: float
    access_resistance: float
    """``cell_capacitance``, ``access_resistance``: of a closed cell's inner node (F), of an open one's
    transistor (ohm)."""
    drain_capacitance: float
    drain_slope: float
    """``drain_capacitance``, ``drain_slope``: of a drain at the supply (F), and by which share it is more one
    volt below (1/V)."""
    precharge_resistance: float
    precharge_coupling: float
    clamp_coupling: float
    """``precharge_resistance``, ``precharge_coupling``, ``clamp_coupling``: from the supply to a drain (ohm),
    and from the gates of precharge and clamp to it (F)."""
    between_drains: float
    """Capacitance through the comparator (F)."""
    second: Array
    """Coefficients (V) of what is added to the second difference, as `_terms` orders them."""
    residual_rms: tuple[float, float]
    """Of both differences, of the reads that they were fitted to (V), less degrees of freedom."""
    limits: tuple[int, int, int, int]
    """Fewest and most open weights, most open and most closed cells of low resistance of a column, in these
    reads."""

    @classmethod
    def fit(
        cls, column: RramColumn, read: PairRead, cells: Array, inputs: Array, discharge: Array
    ) -> DrainLaw:
        """From cell values and input bits (reads, weights), and what both columns, the positive one first,
        took off their drains at both strobes (reads, decisions, columns) (V).

        FitError for too few reads, or where no parameters give the first strobe's.
        """
        names = [name for name in _START if name not in ("second", "residual_rms", "limits")]
        if len(cells) < 2 * len(_START["second"]):
            raise FitError(
                f"{len(cells)} reads for {len(_START['second'])} coefficients",
                remedy=f"simulate {2 * len(_START['second'])} or more",
            )
        start = cls(column=column, read=read, **_START)
        begun, wanted = np.log([_START[name] for name in names]), discharge[:, 0]
        counts = start._counts(cells, inputs)

        def law(logarithms: Array) -> DrainLaw:
            return replace(start, **dict(zip(names, map(float, np.exp(logarithms)), strict=True)))

        def left(logarithms: Array) -> Array:
            with np.errstate(over="ignore", invalid="ignore"):
                found = law(logarithms)._drains(counts, decisions=1)[0]
            return np.nan_to_num(1e3 * (found - wanted), nan=1e3, posinf=1e3, neginf=-1e3).ravel()

        found = law(optimize.least_squares(left, begun, max_nfev=60).x)
        first, second = found._drains(counts)
        error = first - wanted
        rms = float(np.sqrt(np.square(error[:, 0] - error[:, 1]).sum() / (len(cells) - len(names) / 2)))
        if not rms < 0.1 * np.ptp(wanted):
            raise FitError(
                f"the drains' law leaves {rms:.3g} V of {np.ptp(wanted):.3g} V at the first strobe",
                remedy="take cells, clamps and times nearer to those of the defaults",
            )
        terms, lacks = _terms(first, counts), -np.diff(discharge[:, 1] - second)[:, 0]
        coefficients = np.linalg.lstsq(terms, lacks, rcond=None)[0]
        rest = lacks - terms @ coefficients
        low, _, closed, _, _ = counts
        active = inputs.sum(axis=-1)
        return replace(
            found,
            second=coefficients,
            residual_rms=(rms, float(np.sqrt(rest @ rest / (len(rest) - len(coefficients))))),
            limits=(int(active.min()), int(active.max()), int(low.max()), int(closed.max())),
        )

    def __call__(self, cells: Array, inputs: Array) -> tuple[Array, Array, Array]:
        """Reads of cell values −1, 0, 1 and input bits, (..., weights).

        Returns
        -------
        Discharge of the negative and the positive column's drain at the first strobe (V), (..., 2);
        differences at both strobes (V), (..., 2), positive where the positive column draws more; whether a
        read lies beyond those of the fit, (...,).
        """
        lead = cells.shape[:-1]
        flat = cells.reshape(-1, cells.shape[-1]), inputs.reshape(-1, inputs.shape[-1])
        parts = [
            self._read(*(each[first : first + _AT_ONCE] for each in flat))
            for first in range(0, len(flat[0]), _AT_ONCE)
        ]
        discharge, difference, outside = (np.concatenate(each) for each in zip(*parts, strict=True))
        return discharge.reshape(*lead, 2), difference.reshape(*lead, 2), outside.reshape(lead)

    def _read(self, cells: Array, inputs: Array) -> tuple[Array, Array, Array]:
        counts = self._counts(cells, inputs)
        first, later = self._drains(counts)
        second = later[:, 0] - later[:, 1] + _terms(first, counts) @ self.second
        low, _, closed, _, _ = counts
        active, (fewest, most, opened, shut) = inputs.sum(axis=-1), self.limits
        outside = (active < fewest) | (active > most)
        outside |= (low > opened).any(axis=-1) | (closed > shut).any(axis=-1)
        return first[:, ::-1], np.stack([first[:, 0] - first[:, 1], second], axis=-1), outside

    @property
    def low_conductance(self) -> float:
        """Of a memory of low resistance at small voltages (S)."""
        amplitude, scale = _memory(self.column.low_state)
        return amplitude / scale

    def _counts(self, cells: Array, inputs: Array) -> tuple[Array, ...]:
        """Of cells of each column (reads, 2): open of low and of high resistance, closed likewise; and Σ S²
        over the line's segments, S the current through one in cells of low resistance."""
        positive = np.stack([cells > 0, cells < 0], axis=1)
        opened = np.broadcast_to((inputs > 0)[:, None], positive.shape)
        each = [
            (here & there).sum(axis=-1).astype(float)
            for there in (opened, ~opened)
            for here in (positive, ~positive)
        ]
        drawn = opened * np.where(positive, 1.0, 1 / self.column.ratio)
        beyond = np.cumsum(drawn[..., ::-1], axis=-1)
        return *each, np.square(beyond).sum(axis=-1)

    @cached_property
    def _currents(self) -> tuple[tuple[float, Array], ...]:
        """Of memories of low, high and half conductance: sinh amplitude (A), and coefficients of v, v³, v⁵ of
        the current of one that is open, behind its transistor."""
        volts = np.linspace(0, _HIGHEST, 61)
        powers = np.stack([volts, volts**3, volts**5], axis=1)
        found = []
        for state in (self.column.low_state, self.column.high_state, self.column.half_state):
            amplitude, scale = _memory(state)
            current, ohms = amplitude * np.sinh(volts / scale), self.access_resistance
            for _ in range(30):  # Newton
                across = (volts - ohms * current) / scale
                slope = 1 + ohms * amplitude / scale * np.cosh(across)
                current = current - (current - amplitude * np.sinh(across)) / slope
            found.append((amplitude, np.linalg.lstsq(powers, current, rcond=None)[0]))
        return tuple(found)

    def _drains(self, counts: tuple[Array, ...], decisions: int = 2) -> Array:
        """Discharge at each strobe (V), (decisions, reads, columns)."""
        read, dummies = self.read, float(self.column.dummies)
        low, high, closed, shut, squares = counts
        (_, per_low), (_, per_high), (_, per_half) = self._currents
        drop = read.segment * per_low[0] ** 2 * squares
        line, stored = np.zeros_like(low), [np.zeros_like(low)] * 3
        found = []
        for decision in range(decisions):
            opened = dummies * np.array([decision, 1 - decision])
            drawn = low * per_low[:, None, None] + high * per_high[:, None, None]
            drawn = drawn + opened * per_half[:, None, None]
            drawn[0] -= drop
            loads = closed, shut, dummies - opened
            state = line, np.full_like(line, read.supply_voltage), *stored[:2], np.zeros_like(line)
            state = self._run(state, drawn, loads, self._decision)
            found.append(read.supply_voltage - state[1])
            if decision + 1 < decisions:
                line, _, *stored = self._run(state, drawn, loads, self._strobed)
        return np.array(found)

    @property
    def _decision(self) -> list[tuple[float, float, float]]:
        """Time (s), voltage at the gates of clamps and precharge (V), where one begins to change."""
        read, high = self.read, self.read.clamp_voltage
        end, supply = read.settle + read.integrate, read.supply_voltage
        return [
            (0.0, 0.0, 0.0), (read.edge, high, 0.0), (read.settle, high, 0.0),
            (read.settle + read.edge, high, supply), (end - read.edge, high, supply), (end, 0.0, supply),
        ]  # fmt: skip

    @property
    def _strobed(self) -> list[tuple[float, float, float]]:
        read = self.read
        return [(0.0, 0.0, read.supply_voltage), (read.strobe + 2 * read.edge, 0.0, read.supply_voltage)]

    def _run(
        self,
        state: tuple[Array, ...],
        drawn: Array,
        loads: tuple[Array, ...],
        corners: list[tuple[float, float, float]],
    ) -> tuple[Array, ...]:
        """Voltages of line, drain and closed cells' inner nodes after midpoint steps."""
        for (start, *before), (stop, *after) in pairwise(corners):
            steps = max(1, round((stop - start) / STEP))
            step, begin = (stop - start) / steps, np.array(before)
            rate = (np.array(after) - begin) / (stop - start)
            for k in range(steps):
                slopes = self._slopes(state, drawn, loads, begin + rate * k * step, rate)
                half = tuple(v + step / 2 * dv for v, dv in zip(state, slopes, strict=True))
                slopes = self._slopes(half, drawn, loads, begin + rate * (k + 0.5) * step, rate)
                state = tuple(v + step * dv for v, dv in zip(state, slopes, strict=True))
        return state

    def _slopes(
        self, state: tuple[Array, ...], drawn: Array, loads: tuple[Array, ...], gates: Array, rate: Array
    ) -> tuple[Array, ...]:
        line, drain, *nodes = state
        clamp, precharge = gates
        supply = self.read.supply_voltage
        square = line * line
        current = line * (drawn[0] + square * (drawn[1] + square * drawn[2]))
        flows = []
        for node, load, (amplitude, _) in zip(nodes, loads, self._currents, strict=True):
            across = (line - node) / _SCALE
            flows.append(amplitude * across * (1 + across * across / 6))
            current = current + load * flows[-1]
        gate = (clamp - self.clamp_threshold) / self.clamp_slope
        f = np.logaddexp(0.0, (gate + self.drain_effect * drain - line) / THERMAL)
        passed = self.clamp_current * f * f / (1 + self.clamp_saturation * f)
        charging = max(0.0, 1 - precharge / (2 * supply / 3)) / self.precharge_resistance * (supply - drain)
        flow = charging - passed + self.clamp_coupling * rate[0] + self.precharge_coupling * rate[1]
        own = self.drain_capacitance * (1 + self.drain_slope * (supply - drain)) + self.between_drains
        other = flow[:, ::-1] * self.between_drains
        both = own[:, :1] * own[:, 1:] - self.between_drains**2
        return (
            (passed - current + self.line_coupling * rate[0]) / self.line_capacitance,
            (flow * own[:, ::-1] + other) / both,
            *(flow / self.cell_capacitance for flow in flows),
        )


def _terms(first: Array, counts: tuple[Array, ...]) -> Array:
    """Products of up to three of both discharges (V/0.3) and both numbers of closed cells of low resistance
    over ten, (reads, 35)."""
    each = np.concatenate([first / 0.3, counts[2] / 10], axis=1)
    which = (of for degree in range(4) for of in combinations_with_replacement(range(4), degree))
    return np.stack([each[:, list(of)].prod(axis=1) for of in which], axis=1)


def _memory(state: float) -> tuple[float, float]:
    amplitude, scale = SkywaterReram.published().sinh_read(state)
    return float(amplitude), float(scale)


_SCALE = _memory(0.0)[1]
_START: dict[str, Any] = {
    "clamp_current": 8.7e-5,
    "clamp_threshold": 0.65,
    "clamp_slope": 2.0,
    "clamp_saturation": 0.02,
    "drain_effect": 0.022,
    "line_capacitance": 15e-15,
    "line_coupling": 1.5e-15,
    "cell_capacitance": 0.75e-15,
    "access_resistance": 6.6e3,
    "drain_capacitance": 10.5e-15,
    "drain_slope": 0.2,
    "precharge_resistance": 6e3,
    "precharge_coupling": 0.44e-15,
    "clamp_coupling": 2.25e-15,
    "between_drains": 0.45e-15,
    "second": np.zeros(35),
    "residual_rms": (0.0, 0.0),
    "limits": (0, 0, 0, 0),
}
"""Where the fit begins: clamps of 10 µm, some 70 rows."""
