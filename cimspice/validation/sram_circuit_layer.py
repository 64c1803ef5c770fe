"""A layer of the SRAM network whose every analog step is simulated in ngspice, block by block.

The same digital rule drives it as drives the emulator, so that what differs is the circuits. Blocks are
simulated one after the other; a block is handed the voltages that the one before left.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from cimspice.campaign.sram_conditions import SramConditions
from cimspice.emulator.sram_layer import SramLayer

Array = np.ndarray
Told = Callable[[str, int, int], object]

BLOCKS = {
    "array": "transistors: precharge, word-line drivers, wires, opened cells; closed rows lumped",
    "multiplier": "transistors, from the line voltages that the array left",
    "charge_sharing": "transistors, every column with the mean of the columns, one rail at a time",
    "converter": "transistors, comparator, capacitor array and logic, target preloaded for the error",
    "digital": "emulated: activation, stochastic rounding, which bits change",
    "write_back": "transistors, one cell with precharge and write driver",
}
"""How each block is simulated."""


@dataclass(eq=False)
class CircuitLayer(SramLayer):
    """One chip's layer in ngspice.

    Attributes
    ----------
    conditions
        Array, corner, temperature, workers.
    shifts
        Threshold shifts of the cells (V), shape (neurons, columns, slices, slice bits, 6); None: none.
    told
        Progress.
    seconds
        CPU seconds of ngspice so far.
    flipped
        Cells that a read has flipped so far.
    """

    conditions: SramConditions = field(default_factory=SramConditions)
    shifts: Array | None = None
    told: Told = lambda text, done, total: None
    seconds: float = 0.0
    flipped: int = 0
    _common: dict[float, float] = field(default_factory=dict, repr=False)

    def _every_word(self) -> Array:
        return np.empty(0)  # words are read as they are stored

    def discharges(self) -> Array:
        """Of every word as stored, from a transient of its column (V), (1, neurons, columns, slices, 2)."""
        stored = self.design.form.bits_of(self.words)[0]
        lead, width = stored.shape[:-1], self.design.form.slice_bits
        runs = []
        for index in np.ndindex(lead):
            rows = index[0] * width + np.arange(width)
            shifts = None if self.shifts is None else self.shifts[index]
            runs.append(self.conditions.read(rows, self.design.pulses[0], stored[index], shifts=shifts))
        return self._lines(runs, "words of single neurons in ngspice").reshape(1, *lead, 2)

    def rails(self, inputs: Array) -> Array:
        """As the emulator's; multiplication and sharing in ngspice."""
        volts = np.swapaxes(self.discharges(), 2, 3)[:, None]  # (1, 1, neurons, slices, columns, 2)
        codes = np.asarray(inputs)[:, :, None, None, :]
        lead = np.broadcast_shapes(volts.shape[:-1], codes.shape)
        pairs = np.broadcast_to(volts, (*lead, 2)).reshape(-1, 2)
        runs = [
            {
                "discharge": _volts(pair[0]),
                "discharge_bar": _volts(pair[1]),
                "code": int(code),
                "rows": self.conditions.array.rows,
                "supply_voltage": self.conditions.array.supply_voltage,
            }
            for pair, code in zip(pairs, np.broadcast_to(codes, lead).ravel(), strict=True)
        ]
        table = self._run("sram_multiplier", runs, "multiplications in ngspice")
        product = table[["output", "output_bar"]].to_numpy().reshape(*lead, 2)
        rails = self._shared(product.mean(axis=-2), lead[-1])
        difference = rails[..., 1] - rails[..., 0]
        self._common.update(zip(difference.ravel(), rails.mean(axis=-1).ravel(), strict=True))
        return difference

    def _shared(self, mean: Array, columns: int) -> Array:
        runs = [
            {
                "first_discharge": _volts(value),
                "last_discharge": _volts(value),
                "columns": columns,
                "supply_voltage": self.conditions.array.supply_voltage,
            }
            for value in mean.ravel()
        ]
        table = self._run("sram_charge_sharing", runs, "charge sharing in ngspice")
        return table["rail_discharge"].to_numpy().reshape(mean.shape)

    def codes(self, rails: Array) -> Array:
        """As the emulator's; every conversion in ngspice."""
        volts = np.asarray(rails)
        found = self._converted(volts.ravel(), np.zeros(volts.size, int))
        return found.reshape(volts.shape)

    def below_target(self, rail: Array, codes: Array, target: Array, chip: Array) -> Array:
        """As the emulator's: the target preloaded, the input the other way round."""
        converter = self.design.periphery.converter
        rest = self.merge(codes) - codes[:, -1]
        wanted = np.clip(np.rint(target - rest), converter.smallest_code + 1, converter.largest_code)
        return self._converted(-np.asarray(rail), wanted.astype(int))

    def _transposed(self, factors: Array, chips: Array, columns: int) -> Array:
        difference = self.transposed_difference(factors, chips, columns)
        return self._converted(difference.ravel(), np.zeros(difference.size, int)).reshape(difference.shape)

    def transposed_difference(self, factors: Array, chips: Array, columns: int) -> Array:
        """As the emulator's, from transients with the rows of all neurons open."""
        form, groups = self.design.form, self.words.shape[1]
        table = np.vstack([np.zeros((1, form.slice_bits), int), self.design.pulses])
        codes = table[factors[0]].ravel()
        opened = np.flatnonzero(codes)
        stored = np.moveaxis(form.bits_of(self.words)[0], 0, 2)  # (columns, slices, neurons, b)
        shifts = None if self.shifts is None else np.moveaxis(self.shifts, 0, 2)
        lead = (columns, form.slices)
        runs = []
        for index in np.ndindex(lead):
            bits = stored[index].reshape(groups * form.slice_bits)
            cells = None if shifts is None else shifts[index].reshape(-1, 6)[opened]
            runs.append(self.conditions.read(opened, codes[opened], bits[opened], shifts=cells))
        pairs = self._lines(runs, "transposed reads in ngspice").reshape(1, *lead, 2)
        difference = pairs[..., 1] - pairs[..., 0]
        self._common.update(zip(difference.ravel(), pairs.mean(axis=-1).ravel(), strict=True))
        return difference

    def _converted(self, difference: Array, targets: Array) -> Array:
        converter, limit = self.design.periphery.converter, 0.2
        runs = [
            {
                "difference": float(np.clip(round(float(value), 9), -limit, limit)),
                "common_drop": max(self._common_drop(float(value)), round(abs(float(value)) / 2 + 1e-4, 9)),
                "target": int(target),
                "bits": converter.bits,
                "supply_voltage": self.conditions.array.supply_voltage,
            }
            for value, target in zip(difference, targets, strict=True)
        ]
        table = self._run("sram_converter", runs, "conversions in ngspice")
        return table.groupby("run")["code"].first().to_numpy().astype(int)

    def _common_drop(self, difference: float) -> float:
        known = self._common.get(difference, self._common.get(-difference, 0.05))
        return round(float(np.clip(known, 0.0, 0.2)), 9)

    def _lines(self, runs: list[dict[str, Any]], text: str) -> Array:
        table = self._run("sram_multi_row_read", runs, text)
        self.flipped += int(table["flipped"].sum())
        return table[["bit_line_discharge", "bit_line_bar_discharge"]].to_numpy()

    def _run(self, bench: str, runs: list[dict[str, Any]], text: str):
        batch = self.conditions.run(bench, runs, lambda done, total: self.told(text, done, total))
        self.seconds += batch.seconds
        return batch.table


def _volts(value: float) -> float:
    """What a netlist is given: to a nanovolt, and no line stands above the supply."""
    return max(0.0, round(float(value), 9))
