"""Kirchhoff's laws of an array at every node, solved directly: for cells and wires of any ratio.

Ideal wires are joined to single nodes. Branches that conduct far better than their surroundings, shorts of
infinite conductance among them, keep their current as an unknown of its own beside the node voltages::

    [ A   E' ] [ v ]   [ currents into the nodes ]      A: the other branches, nodal
    [ E  -R  ] [ i ] = [ 0                       ]      E: which nodes a strong branch joins, R its resistance

(the modified nodal analysis of C. W. Ho, A. E. Ruehli, P. A. Brennan, IEEE Trans. Circuits Syst. 22 (1975)
504), so that no sum loses a wire beside a short. Node voltages are held as sums of two numbers and refined
until the currents of all branches at a node add up to nothing: the drop across a short of 1e15 S is then
known to all its digits although it is 1e-15 of the voltages that it is the difference of.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.sparse import bmat, coo_array, csc_array, csr_array, diags_array
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import splu

from cimspice.crossbar.emulator.residual import ACCEPTED, not_fulfilled, relative
from cimspice.crossbar.emulator.wires import Wires
from cimspice.errors import ParameterError

LIMIT = 200
"""Newton steps at one voltage; steep cells take 10 to 30."""

_REFINEMENTS = 12
_GOAL = 2e-15
"""Residual at which refinement ends; it ends too where a step no longer halves what is below `_NEAR`."""

_NEAR = 1e-12
_STRONG = 1e3
"""Conductance of branches with a current of their own, over that of their surroundings."""

_SHARES = (np.ones(1), np.linspace(0.02, 1.0, 50))
"""Shares of the input voltages at which Newton's method is stopped on the way; first without a stop."""

Law = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]


class Inside(NamedTuple):
    """What an array does, each (batch, rows, columns), and the residual (batch,); see `Solution`.

    ``across`` is the voltage across each cell (V), with digits that the difference of both nodes lacks.
    """

    word: np.ndarray
    bit: np.ndarray
    cell: np.ndarray
    across: np.ndarray
    residual: np.ndarray


class Network:
    """Branches between nodes of an array with these wires."""

    def __init__(self, wires: Wires) -> None:
        rows, columns = wires.bit.shape[0] - 1, wires.word.shape[1] - 1
        self.shape, self.cells = (rows, columns), rows * columns
        word = np.arange(self.cells).reshape(rows, columns)
        drivers = 2 * self.cells + np.arange(rows)
        senses = 2 * self.cells + rows + np.arange(columns)
        along, down = (
            np.column_stack([drivers, word, drivers]),
            np.vstack([senses, self.cells + word, senses]),
        )
        first = np.concatenate([word, along[:, :-1], down[:-1]], axis=None)
        second = np.concatenate([self.cells + word, along[:, 1:], down[1:]], axis=None)
        resistance = np.concatenate([np.full(self.cells, np.inf), wires.word.ravel(), wires.bit.ravel()])
        ideal = resistance == 0
        nodes = 2 * self.cells + rows + columns
        self.count, self.node = _components(first[ideal], second[ideal], nodes)
        kept = (resistance > 0) & (resistance < np.inf)
        kept[: self.cells] = True
        self.first, self.second = self.node[first[kept]], self.node[second[kept]]
        self.wires = 1 / resistance[kept][self.cells :]
        self.fixed = self.node[2 * self.cells :]
        free = np.ones(self.count, dtype=bool)
        free[self.fixed] = False
        self.free = np.flatnonzero(free)
        branch = np.arange(len(self.first))
        ends = np.concatenate([self.first, self.second])
        signs = np.repeat([1.0, -1.0], len(branch))
        shape = (len(branch), self.count)
        self.incidence = csr_array(coo_array((signs, (np.tile(branch, 2), ends)), shape=shape))
        self.into = csr_array(self.incidence[:, self.free].T)

    def linear(self, conductances: np.ndarray, drivers: np.ndarray, senses: np.ndarray) -> Inside:
        """Inside of an array of resistors.

        Parameters
        ----------
        conductances
            (rows, columns), siemens; 0 is open, inf a short.
        drivers, senses
            Voltages of the terminals (batch, rows) and (batch, columns), V.
        """
        g = np.concatenate([conductances.ravel(), self.wires])
        state = _Pair.at(self.count, self.fixed, np.concatenate([drivers, senses], axis=1))
        flow, across, excess, residual = self._solved(g, np.zeros_like(g), np.zeros_like(g), state)
        self._require(residual, excess)
        return self._inside(state, flow, across, residual)

    def nonlinear(self, law: Law, drivers: np.ndarray) -> Inside:
        """Inside of an array of non-linear cells for one vector of voltages (rows,), V.

        Every cell has a point at which its law is linearised. It follows the nodes, but no further than the
        current of the linear network goes: beyond, the current is kept and the voltage belonging to it taken
        (after L. W. Nagel, SPICE2, UCB/ERL M520 (1975), without having to know the law).
        """
        for shares in _SHARES:
            cells = _Linearised(law, self.shape)
            state = _Pair.at(self.count, self.fixed, np.zeros((1, len(self.fixed))))
            for share in shares:
                state.fix(self.fixed, np.concatenate([share * drivers, np.zeros(self.shape[1])])[None])
                found, excess = self._newton(cells, state)
                if not found.residual[0] <= ACCEPTED:
                    break
            else:
                break
        self._require(found.residual, excess)
        return found

    def _newton(self, cells: _Linearised, state: _Pair) -> tuple[Inside, np.ndarray]:
        """The best solution on the way, and its excess currents."""
        before, best = np.inf, None
        across, solved = state.drops(self.incidence), np.zeros(1)
        for _ in range(LIMIT):
            g = np.concatenate([cells.slope.ravel(), self.wires])
            current, drop = np.zeros_like(g), np.zeros_like(g)
            current[: self.cells], drop[: self.cells] = cells.current.ravel(), cells.drop.ravel()
            if cells.followed:
                flow = current[:, None] + g[:, None] * (across - drop[:, None])
                excess = self.into @ flow
                residual = np.maximum(_residual(excess, flow, state.rounding(g)), solved)
                if best is None or residual[0] <= best[0].residual[0]:
                    best = self._inside(state, flow, across, residual), excess
                if residual[0] <= _GOAL or (residual[0] <= _NEAR and residual[0] > 0.5 * before):
                    return best
                before = residual[0]
            flow, across, excess, solved = self._solved(g, current, drop, state)
            reached = (current + g * (across[:, 0] - drop))[: self.cells].reshape(1, *self.shape)
            cells.follow(*self._nodes(state), reached)
        return best or (self._inside(state, flow, across, np.full(1, np.inf)), excess)

    def _solved(self, g: np.ndarray, current: np.ndarray, drop: np.ndarray, state: _Pair):
        """The state refined until branches ``current + g * (across - drop)`` fulfil Kirchhoff's laws.

        Returns currents and voltages of branches, what is left at nodes (A), each with a column for every
        vector, and the residuals.
        """
        start = state.high.copy(), state.low.copy()
        for unit in self._units(g):
            state.high[:], state.low[:] = start
            found = self._refined(self._factors(g, unit), g, current[:, None], drop[:, None], state)
            if np.max(found[-1], initial=0.0) <= _NEAR:
                break
        return found

    def _refined(self, factors: _Factors, g: np.ndarray, current, drop, state: _Pair):
        strong = factors.strong
        weak, resistance = np.where(strong, 0.0, g)[:, None], 1 / g[strong, None]
        reach = np.minimum(g[strong, None], _STRONG * factors.unit)
        carried = np.zeros((int(strong.sum()), state.high.shape[1]))
        before, moved = np.inf, np.full(state.high.shape[1], np.inf)
        for _ in range(_REFINEMENTS):
            across = state.drops(self.incidence)
            flow = current + weak * (across - drop)
            flow[strong] = carried
            excess = self.into @ flow
            lag = (across - drop)[strong] - resistance * (carried - current[strong])
            missed = np.concatenate([excess, reach * lag])
            # small sums beside large currents elsewhere prove nothing: corrections have to be small, too
            residual = np.maximum(_residual(missed, flow, state.rounding(weak)), moved)
            worst = residual.max(initial=0.0)
            if worst <= _GOAL or (worst <= _NEAR and worst > 0.5 * before) or np.isnan(worst):
                break
            before = worst
            change, more = factors.solve(-excess, -lag)
            state.add(self.free, change)
            carried += more
            corrected = np.concatenate([weak * (self.into.T @ change), more])
            moved = _residual(corrected, flow, state.rounding(g[g < np.inf]))
        across[strong] -= lag
        return flow, across, excess, residual

    def _units(self, g: np.ndarray) -> tuple[float, ...]:
        """Conductances (S) beside which branches are strong: an ordinary one; the least, if that fails."""
        there = g[(g > 0) & (g < np.inf)]
        if not there.size:
            return (1.0,)
        cells = there[: len(there) - len(self.wires)]
        ordinary = max(self.wires.min(initial=np.inf), np.median(cells) if cells.size else 0.0)
        return min(ordinary, self.wires.max(initial=0.0) or ordinary), there.min()

    def _nodes(self, state: _Pair) -> tuple[np.ndarray, np.ndarray]:
        high = state.high.T[:, self.node[: 2 * self.cells]].reshape(-1, 2, *self.shape)
        return high[:, 0], high[:, 1]

    def _inside(self, state: _Pair, flow, across, residual) -> Inside:
        cell, drop = (values[: self.cells].T.reshape(-1, *self.shape) for values in (flow, across))
        return Inside(*self._nodes(state), cell, drop, residual)

    def _require(self, residual: np.ndarray, excess: np.ndarray) -> None:
        if not (residual <= ACCEPTED).all():
            vector = int(np.argmax(np.where(np.isnan(residual), np.inf, residual)))
            node = self.free[np.argmax(np.abs(excess[:, min(vector, excess.shape[1] - 1)]))]
            line, cell = divmod(int(np.flatnonzero(self.node == node)[0]), self.cells)
            raise not_fulfilled(residual[vector], ("word", "bit")[line], *divmod(cell, self.shape[1]))

    def _factors(self, conductance: np.ndarray, unit: float) -> _Factors:
        there = conductance > 0
        count, label = _components(self.first[there], self.second[there], self.count)
        joined = np.zeros(count, dtype=bool)
        joined[label[self.fixed]] = True
        alive = np.flatnonzero(joined[label[self.free]])
        ends = self.incidence[:, self.free[alive]]
        held = np.diff(ends.indptr) == 0
        if (held & np.isinf(conductance)).any():
            raise undefined_short()
        strong = (conductance > _STRONG * unit) & ~held
        weak = np.where(strong, 0.0, conductance / unit)
        matrix = csc_array(ends.T @ diags_array(weak) @ ends)
        if strong.any():
            across, resistance = ends[np.flatnonzero(strong)], diags_array(unit / conductance[strong])
            matrix = bmat([[matrix, across.T], [across, -resistance]], format="csc")
        return _Factors(matrix, alive, strong, unit, len(self.free))


class _Factors:
    """The factored equations for corrections of node voltages and of strong branches' currents."""

    def __init__(self, matrix, alive: np.ndarray, strong: np.ndarray, unit: float, nodes: int) -> None:
        self.alive, self.strong, self.unit, self.nodes = alive, strong, unit, nodes
        try:
            self.factored = splu(matrix) if matrix.shape[0] else None
        except RuntimeError:
            self.factored = None

    def solve(self, currents: np.ndarray, lag: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Voltages (free nodes, batch) and currents of strong branches (branches, batch).

        ``currents`` (free nodes, batch), A, go into the nodes; ``lag`` (branches, batch), V, is missing
        across strong branches.
        """
        voltages, carried = np.zeros((self.nodes, currents.shape[1])), np.zeros(lag.shape)
        if self.factored is not None:
            solved = self.factored.solve(np.concatenate([currents[self.alive] / self.unit, lag]))
            voltages[self.alive] = solved[: len(self.alive)]
            carried += self.unit * solved[len(self.alive) :]
        return voltages, carried


@dataclass(slots=True)
class _Pair:
    """Node voltages (nodes, batch) as sums of two numbers."""

    high: np.ndarray
    low: np.ndarray

    @classmethod
    def at(cls, nodes: int, fixed: np.ndarray, voltages: np.ndarray) -> _Pair:
        pair = cls(np.zeros((nodes, len(voltages))), np.zeros((nodes, len(voltages))))
        pair.fix(fixed, voltages)
        return pair

    def fix(self, nodes: np.ndarray, voltages: np.ndarray) -> None:
        self.high[nodes] = voltages.T

    def drops(self, incidence) -> np.ndarray:
        """Voltages across branches: the difference of two near numbers is exact."""
        return incidence @ self.high + incidence @ self.low

    def rounding(self, conductances: np.ndarray) -> np.ndarray:
        """Current (batch,), A, that the rounding of node voltages makes in the best branch."""
        return 2.0**-103 * conductances.max(initial=0.0) * np.abs(self.high).max(axis=0, initial=0.0)

    def add(self, nodes: np.ndarray, change: np.ndarray) -> None:
        high, low = self.high[nodes], self.low[nodes] + change
        total = high + low
        part = total - high
        self.low[nodes] = (high - (total - part)) + (low - part)
        self.high[nodes] = total


class _Linearised:
    """Points (word and bit line voltages, V) at which the cells' law is linearised, one vector."""

    def __init__(self, law: Law, shape: tuple[int, int]) -> None:
        self.law, self.followed = law, False
        self.word, self.bit = np.zeros((2, 1, *shape))
        self.current, self.slope = self._evaluated(self.word, self.bit)

    def _evaluated(self, word: np.ndarray, bit: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        current, slope = self.law(word, bit)
        return current, np.maximum(slope, 0.0)

    @property
    def drop(self) -> np.ndarray:
        """Voltage across each cell at its point."""
        return self.word - self.bit

    def follow(self, word: np.ndarray, bit: np.ndarray, reached: np.ndarray) -> None:
        """To the nodes, or as far as the linearised currents ``reached`` go."""
        wanted = np.abs(reached - self.current)
        current, slope = self._evaluated(word, bit)
        rounding = slope * np.spacing(np.maximum(np.abs(word), np.abs(bit)))
        near = 2 * wanted + 1e-9 * (np.abs(self.current) + wanted).max() + 2 * rounding
        beyond = ~((np.abs(current - self.current) <= near) & np.isfinite(slope))
        self.followed = not beyond.any()
        if not self.followed:
            low, high = np.zeros(beyond.shape), np.ones(beyond.shape)
            for _ in range(60):
                share = 0.5 * (low + high)
                current, _ = self._evaluated(*self._toward(word, bit, share))
                over = ~(np.abs(current - self.current) <= wanted)
                low, high = np.where(over, low, share), np.where(over, share, high)
            word, bit = self._toward(word, bit, np.where(beyond, low, 1.0))
            current, slope = self._evaluated(word, bit)
        self.word, self.bit, self.current, self.slope = word, bit, current, slope

    def _toward(self, word, bit, share) -> tuple[np.ndarray, np.ndarray]:
        return self.word + share * (word - self.word), self.bit + share * (bit - self.bit)


def undefined_short() -> ParameterError:
    """What is raised where the current of a short cannot be known."""
    return ParameterError(
        "a short lies between wires without resistance: its current is not defined",
        place="conductances",
        remedy="give the short a finite conductance, or the wires a resistance",
    )


def _components(first: np.ndarray, second: np.ndarray, nodes: int) -> tuple[int, np.ndarray]:
    graph = coo_array((np.ones(len(first), dtype=bool), (first, second)), shape=(nodes, nodes))
    return connected_components(graph, directed=False)


def _residual(excess: np.ndarray, flow: np.ndarray, rounding: np.ndarray) -> np.ndarray:
    worst = np.maximum(np.abs(excess).max(axis=0, initial=0.0) - rounding, 0.0)
    return relative(worst, np.abs(flow).max(axis=0, initial=0.0))
