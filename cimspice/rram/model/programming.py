"""Write-verify: pulses and reads until every cell conducts what it should."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, fields, replace
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike

from cimspice.arrays import checked_array, checked_count, checked_number
from cimspice.errors import ParameterError
from cimspice.rram.model.cell import WritePulse, WriteResult

_GRID = 65


class Writable(Protocol):
    """What is programmed: a :class:`RramCell`, its :class:`RramWriteTable`, or the circuit itself."""

    def write(self, state: ArrayLike, pulse: WritePulse, ambient: ArrayLike = 27.0) -> WriteResult:
        """States and energies after a pulse."""
        ...

    def conductance(self, state: ArrayLike) -> np.ndarray:
        """What a read of these states gives (S)."""
        ...


@dataclass(frozen=True, kw_only=True)
class WriteScheme:
    """SET with the word line as the knob, after a RESET of full strength; all levels in V, times in s.

    A cell is done when |G − target| ≤ ``tolerance`` · target. The word line of a SET rises by
    ``word_line_step`` from pulse to pulse as long as the cell conducts too little. A cell that conducts too
    much is RESET; its next SET begins three steps lower, and its steps are half as large, down to
    ``word_line_resolution``. Rising from below matters: a first SET at a high level is abrupt: the charge of
    the node inside the cell then carries it past the target.

    A pristine cell (state below 0) is formed first, as SkyWater forms its 1T1R cells (Technology
    Specifications of sky130_fd_pr_reram, 1T1R #5): the word line, which limits the current, rises from
    ``form_word_line[0]`` to ``[1]`` in steps of ``form_step``, then again with the bit line one step higher.
    """

    set_bit_line: float = 2.2
    set_word_line_min: float = 0.8
    set_word_line_max: float = 2.4
    word_line_step: float = 0.05
    word_line_resolution: float = 0.005
    reset_word_line: float = 3.3
    reset_source_line: float = 2.6
    form_word_line: tuple[float, float] = (1.4, 2.0)
    form_bit_line: tuple[float, float] = (2.6, 3.1)
    form_step: float = 0.1
    width: float = 1e-6
    edge: float = 5e-9
    read_time: float = 50e-9
    tolerance: float = 0.05
    largest_count: int = 40

    def __post_init__(self) -> None:
        if not 0 < self.set_word_line_min < self.set_word_line_max:
            raise ParameterError(
                f"word line from {self.set_word_line_min} to {self.set_word_line_max} V is no range",
                place="WriteScheme",
                remedy="give 0 < set_word_line_min < set_word_line_max",
            )
        ranges = {name: getattr(self, name) for name in ("form_word_line", "form_bit_line")}
        for name, levels in ranges.items():
            low, high = checked_array(f"{name} levels", levels, (2,), low=0).tolist()
            if not 0 < low <= high:
                raise ParameterError(
                    f"{name} from {low:g} to {high:g} V is no range",
                    place="WriteScheme",
                    remedy="give the first and the last level, 0 < first <= last",
                )
        checked_count("largest_count", self.largest_count, place="WriteScheme")
        for name in (entry.name for entry in fields(self)):
            if name not in {*ranges, "largest_count"}:
                checked_number(name, getattr(self, name), above=0, place="WriteScheme")

    def set_pulse(self, word_line: ArrayLike) -> WritePulse:
        """The SET pulse with this word line."""
        return WritePulse(word_line, bit_line=self.set_bit_line, width=self.width, edge=self.edge)

    @property
    def form_pulses(self) -> list[WritePulse]:
        """The form pulses in their order, until a cell is formed."""
        words, bits = (
            np.arange(low, high + self.form_step / 2, self.form_step).round(6)
            for low, high in (self.form_word_line, self.form_bit_line)
        )
        return [
            WritePulse(word, bit_line=bit, width=self.width, edge=self.edge) for bit in bits for word in words
        ]

    @property
    def reset_pulse(self) -> WritePulse:
        """The RESET pulse."""
        return WritePulse(
            self.reset_word_line, source_line=self.reset_source_line, width=self.width, edge=self.edge
        )


@dataclass(frozen=True)
class WriteRecord:
    """What programming did; arrays have the shape of the targets.

    ``state`` and ``conductance`` (S) at the end, ``target`` (S), ``done``; numbers of ``set_pulses``,
    ``reset_pulses`` and ``reads``; ``set_energy``, ``reset_energy`` in J; ``time`` in s, all in a row;
    ``form_pulses`` and ``form_energy`` of cells that were pristine.
    """

    target: np.ndarray
    state: np.ndarray
    conductance: np.ndarray
    done: np.ndarray
    set_pulses: np.ndarray
    reset_pulses: np.ndarray
    reads: np.ndarray
    set_energy: np.ndarray
    reset_energy: np.ndarray
    time: np.ndarray
    form_pulses: np.ndarray
    form_energy: np.ndarray

    @property
    def error(self) -> np.ndarray:
        """(G − target)/target."""
        return self.conductance / self.target - 1

    @property
    def energy(self) -> np.ndarray:
        """Energy of all pulses in J."""
        return self.set_energy + self.reset_energy + self.form_energy

    def summary(self) -> dict[str, float]:
        """Means over the cells: pulses, energy and time per cell, energy per SET and per RESET pulse."""
        sets, resets = float(self.set_pulses.sum()), float(self.reset_pulses.sum())
        return {
            "cells": float(self.target.size),
            "done": float(np.mean(self.done)),
            "rms_error": float(np.sqrt(np.mean(self.error[self.done] ** 2))) if self.done.any() else np.nan,
            "set_pulses": sets / self.target.size,
            "reset_pulses": resets / self.target.size,
            "form_pulses": float(np.mean(self.form_pulses)),
            "energy": float(np.mean(self.energy)),
            "time": float(np.mean(self.time)),
            "energy_per_set": float(self.set_energy.sum()) / sets if sets else np.nan,
            "energy_per_reset": float(self.reset_energy.sum()) / resets if resets else np.nan,
        }


@dataclass(frozen=True)
class SetResponse:
    """Conductance (S) that one SET from the most resistive state gives, over the word line (V)."""

    word_line: np.ndarray
    conductance: np.ndarray

    @classmethod
    def of(
        cls, cell: Writable, scheme: WriteScheme, ambient: float = 27.0, points: int = _GRID
    ) -> SetResponse:
        """The response of a cell's model, after one RESET of its most conductive state."""
        levels = np.linspace(scheme.set_word_line_min, scheme.set_word_line_max, points)
        low = cell.write(np.ones(1), scheme.reset_pulse, ambient).state
        after = cell.write(np.repeat(low, points), scheme.set_pulse(levels), ambient).state
        return cls(levels, np.maximum.accumulate(cell.conductance(after)))

    def level(self, target: ArrayLike) -> np.ndarray:
        """The lowest word line that gives at least ``target`` S; the highest where none does."""
        found = np.searchsorted(self.conductance, np.asarray(target, dtype=float))
        return self.word_line[np.minimum(found, self.word_line.size - 1)]


def write_verify(
    cell: Writable,
    target: ArrayLike,
    scheme: WriteScheme | None = None,
    *,
    state: ArrayLike = 0.0,
    response: SetResponse | None = None,
    ambient: float = 27.0,
    source_resistance: ArrayLike = 0.0,
) -> WriteRecord:
    """Program cells to conductances (S) ``target``, beginning in ``state``; cells below 0 are formed first.

    ``response`` gives the level of the first SET; without one it is the scheme's lowest.
    ``source_resistance`` in ohm, of each cell's source line up to its driver, raises its source in a SET.

    Raises
    ------
    ParameterError
        For a target that is not positive and finite.
    """
    scheme = scheme or WriteScheme()
    target = np.asarray(target, dtype=float)
    if not np.all(np.isfinite(target) & (target > 0)):
        raise ParameterError(
            f"a target is {target[~(np.isfinite(target) & (target > 0))].flat[0]} S",
            place="write_verify",
            remedy="conductances are positive and finite",
        )
    first = response.level(target) if response else np.full(target.shape, scheme.set_word_line_min)
    begin, wire = (np.broadcast_to(values, target.shape).ravel() for values in (state, source_resistance))
    run = _CellRun(cell, scheme, target.ravel(), begin, first.ravel(), ambient, wire)
    while run.wanting.any():
        run.pulse()
    return run.record(target.shape)


class WriteRun(ABC):
    """The cells on their way: what they conduct, the level of their next SET, and their steps.

    All arrays are flat (cells,). How cells are written and read is what a subclass adds.
    """

    def __init__(self, scheme: WriteScheme, target, state, first) -> None:
        self.scheme, self.target = scheme, target
        self.state = np.array(state, dtype=float)
        self.level = np.array(first, dtype=float)
        self.step = np.full(target.shape, scheme.word_line_step)
        self.set_pulses, self.reset_pulses = np.zeros(target.shape, int), np.zeros(target.shape, int)
        self.form_pulses = np.zeros(target.shape, int)
        self.form_energy = np.zeros(target.shape)
        self.set_energy, self.reset_energy = np.zeros(target.shape), np.zeros(target.shape)
        self.forming = scheme.form_pulses
        self.conductance = np.array(self._read(np.ones(target.shape, bool)))
        self._judge()

    @abstractmethod
    def _write(self, cells: np.ndarray, pulse: WritePulse) -> WriteResult:
        """One pulse on the cells of a mask."""

    @abstractmethod
    def _read(self, cells: np.ndarray) -> np.ndarray:
        """Conductances (S) of the cells of a mask."""

    def _judge(self) -> None:
        error = self.conductance / self.target - 1
        self.pristine = self.state < 0
        self.done = ~self.pristine & (np.abs(error) <= self.scheme.tolerance)
        self.excessive = ~self.pristine & (error > self.scheme.tolerance)
        exhausted = self.set_pulses + self.reset_pulses >= self.scheme.largest_count
        spent = ~self.excessive & (self.level > self.scheme.set_word_line_max)
        spent |= self.pristine & (self.form_pulses >= len(self.forming))
        self.wanting = ~(self.done | exhausted | spent)

    def pulse(self) -> None:
        """One pulse for every cell that is not done, and one read."""
        formed = self.wanting & self.pristine
        reset, raised = self.wanting & self.excessive, self.wanting & ~(self.excessive | self.pristine)
        if formed.any():
            # cells that are still pristine have all had the same pulses
            result = self._write(formed, self.forming[self.form_pulses[formed][0]])
            self._take(formed, result, self.form_pulses, self.form_energy)
        if reset.any():
            result = self._write(reset, self.scheme.reset_pulse)
            self._take(reset, result, self.reset_pulses, self.reset_energy)
            self.step[reset] = np.maximum(self.step[reset] / 2, self.scheme.word_line_resolution)
            lower = self.level[reset] - 4 * self.step[reset]
            self.level[reset] = np.maximum(lower, self.scheme.set_word_line_min)
        if raised.any():
            result = self._write(raised, self.scheme.set_pulse(self.level[raised]))
            self._take(raised, result, self.set_pulses, self.set_energy)
            self.level[raised] += self.step[raised]
        moved = formed | reset | raised
        self.conductance[moved] = self._read(moved)
        self._judge()

    def _take(self, cells: np.ndarray, result: WriteResult, pulses: np.ndarray, energy: np.ndarray) -> None:
        self.state[cells] = result.state
        pulses[cells] += 1
        energy[cells] += result.energy

    def record(self, shape: tuple[int, ...]) -> WriteRecord:
        """The result, in the shape of the targets."""
        pulses = self.set_pulses + self.reset_pulses + self.form_pulses
        one = self.scheme.width + 2 * self.scheme.edge + self.scheme.read_time
        values = (
            self.target, self.state, self.conductance, self.done, self.set_pulses, self.reset_pulses,
            pulses + 1, self.set_energy, self.reset_energy, pulses * one + self.scheme.read_time,
            self.form_pulses, self.form_energy,
        )  # fmt: skip
        return WriteRecord(*(value.reshape(shape) for value in values))


class _CellRun(WriteRun):
    """Cells each for itself, by a model or one circuit of a cell."""

    def __init__(self, cell: Writable, scheme: WriteScheme, target, state, first, ambient, wire) -> None:
        self.cell, self.ambient, self.wire = cell, ambient, wire
        super().__init__(scheme, target, state, first)

    def _write(self, cells: np.ndarray, pulse: WritePulse) -> WriteResult:
        wired = replace(pulse, source_resistance=self.wire[cells])
        return self.cell.write(self.state[cells], wired, self.ambient)

    def _read(self, cells: np.ndarray) -> np.ndarray:
        return self.cell.conductance(self.state[cells])
