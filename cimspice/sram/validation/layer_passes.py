"""A network's layer in 6T arrays through ngspice: a pass of a neuron is one transient of the whole circuit,
until the converter has sampled; its conversion another one of the converter alone.

Cells, word lines' pulses, precharge, multipliers, shared rails and the converter are in the first. The
conversion begins with the columns' switches open, and depends on nothing but what was sampled. Columns that
do not share charge only load the word lines; unused ones that have to, where a group has too few, store 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from cimspice.arrays import Array
from cimspice.errors import ParameterError, SimulationError
from cimspice.network.simulated import LineComparison, SimulatedSums
from cimspice.progress import OnProgress, in_stage, silent
from cimspice.sram.characterisation.conditions import SramConditions
from cimspice.sram.characterisation.forward_pass import CONVERSION, LONGEST, SAMPLING, pass_parameters
from cimspice.sram.emulator.mapped_layer import MappedLayer
from cimspice.sram.model.forward_pass import sharing_columns

_CONVERSION, _COLUMN, _GROWTH = 4.0, 0.8, 0.014
"""CPU seconds of a conversion, what a column adds to a pass, and that this grows by with each column."""


def simulate_layer(
    layer: MappedLayer, x: Array, conditions: SramConditions, *, progress: OnProgress = silent
) -> SimulatedSums:
    """Weighted sums of inputs (n, inputs). Finished passes are kept and are not run again.

    Raises
    ------
    SimulationError
        If a pass fails, or a cell loses its bit.
    """
    passes = [codes for _, codes in layer.passes(x)]
    every = [(number, place) for number, codes in enumerate(passes) for place in _places(layer, codes)]
    read = read_passes(layer, [(passes[number], *place) for number, place in every], conditions, progress)
    shape = (len(passes), len(x), len(layer.weights), len(layer.groups), layer.words.shape[2])
    volts, codes = np.zeros(shape), np.zeros(shape, int)
    there = np.zeros(shape, bool)
    if every:
        index = tuple(np.transpose([(number, *place) for number, place in every]))
        volts[index], codes[index], there[index] = read.rails, read.codes, True
    emulated = np.stack([layer.rails(one) for one in passes])
    errors = np.abs(volts - emulated).max(axis=(0, 1, 4), initial=0.0) / (np.abs(emulated).max() or 1.0)
    places = [(group, slice(one, one + 1)) for one in range(len(layer.weights)) for group in layer.groups]
    return SimulatedSums(
        layer.decoded(list(zip(passes, codes, strict=True))),
        errors.ravel(),
        places,
        compare_lines(layer, volts[there], codes[there], emulated[there]),
        read.cpu_seconds,
    )


@dataclass(frozen=True, eq=False)
class Read:
    """Passes in ngspice: difference of the rails as sampled (V), the converter's codes, CPU time."""

    rails: Array
    codes: Array
    cpu_seconds: float


def read_passes(
    layer: MappedLayer,
    places: Sequence[tuple[Array, int, int, int, int]],
    conditions: SramConditions,
    progress: OnProgress,
) -> Read:
    """Passes: input codes (n, inputs), sample, output, group and slice of each."""
    _require_nominal(layer)
    if not places:
        return Read(np.zeros(0), np.zeros(0, int), 0.0)
    runs = [_run(layer, conditions, *place) for place in places]
    table = conditions.run(SAMPLING, runs, in_stage("passes", progress), LONGEST)
    first = table.groupby("run")[["sampled_difference", "sampled_drop", "flipped"]].first()
    if first["flipped"].any():
        raise SimulationError(
            f"{int(first['flipped'].sum())} cells of layer {layer.name!r} lose their bit in a pass",
            remedy="use the card of an array with a lower word-line voltage or shorter pulses",
        )
    rails, drops = first["sampled_difference"].to_numpy(), first["sampled_drop"].to_numpy()
    at = replace(conditions, reference_drop=layer.reference_drop)
    conversions = [
        {
            "difference": round(float(volts), 9),
            "common_drop": round(float(max(drop, abs(volts) / 2 + 1e-9)), 9),
            "supply_voltage": conditions.array.supply_voltage,
            "bits": layer.circuit.forward.converter_bits,
            **at.converter,
        }
        for volts, drop in zip(rails, drops, strict=True)
    ]
    converted = at.run(CONVERSION, conversions, in_stage("conversions", progress))
    codes = converted.groupby("run")["code"].first().to_numpy(int)
    return Read(rails, codes, table.attrs["cpu_seconds"] + converted.attrs["cpu_seconds"])


def _require_nominal(layer: MappedLayer) -> None:
    if layer.circuit.chips:
        raise ParameterError(
            "passes of chips: the circuit that is simulated has nominal cells",
            place=f"layer {layer.name!r}",
            remedy="leave chips out; cimspice validate sram --mismatch compares cells that differ",
        )


def compare_lines(layer: MappedLayer, volts: Array, codes: Array, emulated: Array) -> LineComparison:
    """Circuit's differences of rails (V) and codes beside the emulator's differences (V), any one shape."""
    expected = layer.convert(emulated)
    apart = codes != expected
    half = (len(layer.thresholds) + 1) // 2
    between = layer.thresholds[np.maximum(codes, expected)[apart] + half - 1]
    far = np.abs(volts[apart] - between) > layer.circuit.forward.threshold_uncertainty * layer.step
    far |= np.abs(codes - expected)[apart] > 1
    error, size = (float(np.sum(one**2)) for one in (volts - emulated, emulated))
    return LineComparison(error, size, codes.size, int(apart.sum()), int(far.sum()))


def expected_seconds(layer: MappedLayer, inputs: int) -> float:
    """CPU time of so many inputs like the calibration's; passes of 8 to 32 columns were timed."""
    _require_nominal(layer)
    each = sum(pass_seconds(layer.sharing(codes)).sum() for _, codes in layer.passes(layer.calibration))
    return float(each) / len(layer.calibration) * inputs * layer.words.shape[2] * len(layer.weights)


def pass_seconds(sharing: Array) -> Array:
    """CPU time that ngspice-39 takes for a pass and its conversion, by the number of columns that share."""
    return np.where(sharing > 0, _CONVERSION + _COLUMN * sharing * (1 + _GROWTH * sharing), 0.0)


def _places(layer: MappedLayer, codes: Array) -> list[tuple[int, int, int, int]]:
    """Sample, output, group and slice of the passes that a batch takes."""
    outputs, slices = range(len(layer.weights)), range(layer.words.shape[2])
    return [
        (int(sample), output, int(group), number)
        for sample, group in np.argwhere(layer.sharing(codes))
        for output in outputs
        for number in slices
    ]


def _run(
    layer: MappedLayer,
    conditions: SramConditions,
    codes: Array,
    sample: int,
    output: int,
    group: int,
    number: int,
) -> dict[str, Any]:
    """Parameters of the bench of one pass."""
    model, place = layer.circuit.forward, layer.groups[group]
    seen, words = codes[sample, place], layer.words[output, place, number]
    count = int(sharing_columns(np.asarray(np.count_nonzero(seen))))
    order = np.argsort(seen == 0, kind="stable")[:count]
    spare = np.zeros(count - len(order), int)
    return pass_parameters(
        conditions,
        model.pulses,
        output % layer.circuit.array_neurons * len(model.pulses),
        np.concatenate([words[order], spare]),
        np.concatenate([seen[order], spare]),
        layer.reference_drop,
        model.converter_bits,
    )


@dataclass(frozen=True, eq=False)
class PassReads:
    """The protocol of `cimspice.network.sampled_lines.LineReads`: passes, outputs, groups and slices of a
    layer, the last running fastest."""

    layer: MappedLayer
    conditions: SramConditions

    @property
    def places(self) -> list[tuple[slice, slice]]:
        """Inputs and outputs of each."""
        _, outputs, groups, _ = np.indices(self._shape).reshape(4, -1)
        return [
            (self.layer.groups[group], slice(int(output), int(output) + 1))
            for output, group in zip(outputs, groups, strict=True)
        ]

    @property
    def _shape(self) -> tuple[int, int, int, int]:
        layer = self.layer
        return 1 + layer.signed, len(layer.weights), len(layer.groups), layer.words.shape[2]

    def emulated(self, x: Array) -> Array:
        """Difference of the rails (n, conversions), V; NaN where all inputs of a group are 0."""
        parts = []
        for _, codes in self.layer.passes(x):
            idle = (self.layer.sharing(codes) == 0)[:, None, :, None]
            parts.append(np.where(idle, np.nan, self.layer.rails(codes)).reshape(len(x), -1))
        return np.concatenate(parts, axis=1)

    def simulated(
        self, x: Array, numbers: Array, progress: OnProgress
    ) -> tuple[Array, LineComparison, float]:
        """Differences of the rails by ngspice (reads,), V; these and the codes beside the emulator's; CPU
        time."""
        passes = [codes for _, codes in self.layer.passes(x)]
        signs, outputs, groups, slices = np.unravel_index(numbers, self._shape)
        places = [
            (passes[sign], sample, int(output), int(group), int(number))
            for sample, (sign, output, group, number) in enumerate(
                zip(signs, outputs, groups, slices, strict=True)
            )
        ]
        read = read_passes(self.layer, places, self.conditions, progress)
        emulated = self.emulated(x)[np.arange(len(x)), numbers]
        lines = compare_lines(self.layer, read.rails, read.codes, emulated)
        return read.rails, lines, read.cpu_seconds

    def seconds(self, x: Array) -> float:
        """CPU time that one conversion of each of the inputs is expected to take."""
        sharing = np.concatenate([self.layer.sharing(codes) for _, codes in self.layer.passes(x)])
        busy = sharing[sharing > 0]
        return len(x) * float(pass_seconds(busy).mean()) if busy.size else 0.0
