"""A layer of the SRAM network whose every analog pass is one transient of a whole circuit in ngspice.

The same digital rule drives it as drives the emulator, so that what differs is the circuits. A forward pass
of a neuron is one circuit: its columns, their multipliers, the rails, the converter. A transposed read is
one circuit per column: its opened rows, and the converter on its lines. No voltage is handed on by us.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from cimspice.arrays import Array
from cimspice.errors import ParameterError
from cimspice.fit.conditions import check_alike
from cimspice.progress import OnProgress, in_stage, silent
from cimspice.sram.characterisation.conditions import SramConditions
from cimspice.sram.emulator.layer import SramLayer

BLOCKS = {
    "forward": "one circuit per neuron: cells, wires, word-line drivers' pulses, precharge, multipliers, "
    "shared rails, converter; closed rows lumped",
    "error": "the same circuit again, rails crossed, target preloaded on the converter",
    "transposed": "one circuit per column: the opened rows of all neurons, resting multiplier, converter",
    "write_back": "transistors, one cell with precharge and write driver",
    "digital": "emulated: activation, sequencer, stochastic rounding, which bits change",
}
"""How each part of a step is simulated."""

FORWARD, TRANSPOSED = "sram_forward_pass", "sram_transposed_pass"


@dataclass(eq=False)
class CircuitLayer(SramLayer):
    """One chip's layer in ngspice."""

    conditions: SramConditions = field(default_factory=SramConditions)
    """Array, corner, temperature, workers."""
    shifts: Array | None = None
    """Threshold shifts of the cells (V), shape (neurons, columns, slices, slice bits, 6); None: none."""
    progress: OnProgress = silent
    """Progress."""
    seconds: float = 0.0
    """CPU seconds of ngspice so far."""
    flipped: int = 0
    """Cells that a pass has flipped so far."""
    _converted: dict[float, tuple[int, dict[str, Any]]] = field(default_factory=dict, repr=False)
    """Code, and the run that gave it, by what the converter had sampled (V)."""

    def __post_init__(self) -> None:
        check_alike({"design": self.design.periphery, "circuit": self.conditions}, "CircuitLayer")
        super().__post_init__()

    def _every_word(self) -> Array:
        return np.empty((1, 2))  # none: words are read as they are stored

    def rails(self, inputs: Array) -> Array:
        """As the emulator's: what the converter samples of both rails."""
        samples, neurons = range(np.shape(inputs)[1]), range(self.words.shape[1])
        conversions = self.conversions
        lead = (1, len(samples), len(neurons), len(conversions))
        runs = [
            self._forward(neuron, group, piece, inputs[0, sample])
            for sample in samples
            for neuron in neurons
            for group, piece in conversions
        ]
        table = self._run(FORWARD, runs, "forward passes in ngspice")
        return self._remembered(table, runs).reshape(lead)

    def codes(self, rails: Array) -> Array:
        """What the converter made of rails that were read before.

        ParameterError if these are no rails that this layer has read.
        """
        return np.array([self._known(volts)[0] for volts in np.ravel(rails)]).reshape(np.shape(rails))

    def below_target(self, rail: Array, codes: Array, target: Array, chip: Array) -> Array:
        """As the emulator's: the passes again, the rails crossed and the target preloaded."""
        converter = self.design.periphery.converter
        rest = self.merge(codes) - codes[:, -1]
        wanted = np.clip(np.rint(target - rest), converter.smallest_code + 1, converter.largest_code)
        runs = [
            self._known(volts)[1] | {"crossed": True, "target": int(code)}
            for volts, code in zip(rail, wanted, strict=True)
        ]
        table = self._run(FORWARD, runs, "errors in ngspice")
        return table.groupby("run")["code"].first().to_numpy().astype(int)

    def _transposed(self, factors: Array, chips: Array, columns: int) -> Array:
        return self.codes(self.transposed_difference(factors, chips, columns))

    def transposed_difference(self, factors: Array, chips: Array, columns: int) -> Array:
        """As the emulator's, with the rows of all neurons open."""
        form, groups = self.design.form, self.words.shape[1]
        table = np.vstack([np.zeros((1, form.slice_bits), int), self.design.pulses])
        codes = table[factors[0]].ravel()
        opened = np.flatnonzero(codes)
        stored = np.moveaxis(form.bits_of(self.words)[0], 0, 2)  # (columns, slices, neurons, b)
        shifts = None if self.shifts is None else np.moveaxis(self.shifts, 0, 2)
        lead = (columns, form.slices)
        runs = []
        for index in np.ndindex(lead):
            bits = stored[index].reshape(groups * form.slice_bits)[opened]
            cells = None if shifts is None else shifts[index].reshape(-1, 6)[opened, None]
            runs.append(self._circuit(opened, codes[opened], bits[:, None], cells))
        found = self._run(TRANSPOSED, runs, "transposed reads in ngspice")
        return self._remembered(found, runs).reshape(1, *lead)

    def _forward(self, neuron: int, group: slice, piece: int, inputs: Array) -> dict[str, Any]:
        """Parameters of one conversion of one neuron's pass: a slice of some columns."""
        form = self.design.form
        bits = form.bits_of(self.words)[0, neuron, group, piece]  # (columns, b)
        rows = neuron * form.slice_bits + np.arange(form.slice_bits)
        shifts = None if self.shifts is None else np.moveaxis(self.shifts[neuron, group, piece], 0, 1)
        circuit = self._circuit(rows, self.design.pulses[0], bits.T, shifts)
        return circuit | {"codes": [int(code) for code in inputs[group]]}

    def _circuit(self, rows: Array, codes: Array, bits: Array, shifts: Array | None) -> dict[str, Any]:
        """Rows opened by pulses of these codes; ``bits`` (rows, columns), ``shifts`` (rows, columns, 6)."""
        conditions = self.conditions
        array = conditions.array.model_copy(
            update={"simulated_columns": bits.shape[1], "readout_capacitance": 0.0}  # it is there itself
        )
        opened = [
            {
                "row": int(row),
                "width": int(code) * conditions.unit_width,
                "bits": [int(bit) for bit in bits[k]],
                "shifts": [] if shifts is None else shifts[k].tolist(),
            }
            for k, (row, code) in enumerate(zip(rows, codes, strict=True))
        ]
        return {
            "array": array.model_dump(round_trip=True, exclude_defaults=True),
            "open_rows": opened,
            "settle": conditions.settle,
            "bits": self.design.periphery.converter.bits,
            **conditions.converter,
        }

    def _remembered(self, table: pd.DataFrame, runs: list[dict[str, Any]]) -> Array:
        """What was sampled in each run (V); its code is kept for when it is asked for."""
        first = table.groupby("run")[["sampled_difference", "code"]].first()
        for run, (volts, code) in zip(runs, _pairs(first), strict=True):
            self._converted[volts] = int(code), run
        return first["sampled_difference"].to_numpy()

    def _known(self, volts: float) -> tuple[int, dict[str, Any]]:
        if float(volts) not in self._converted:
            raise ParameterError(
                f"{volts:g} V is not what a converter of this layer has sampled",
                place="rails",
                remedy="convert what rails() or transposed_difference() gave",
            )
        return self._converted[float(volts)]

    def _run(self, bench: str, runs: list[dict[str, Any]], text: str) -> pd.DataFrame:
        table = self.conditions.run(bench, runs, in_stage(text, self.progress))
        self.seconds += table.attrs["cpu_seconds"]
        self.flipped += int(table.groupby("run")["flipped"].first().sum())
        return table


def _pairs(frame: pd.DataFrame) -> Iterator[tuple[float, float]]:
    return frame.itertuples(index=False, name=None)  # pyright: ignore[reportReturnType] (two columns)
