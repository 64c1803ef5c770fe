"""One learning step on a small array and forward passes of the Iris network: emulator against ngspice."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np

from cimspice.arrays import Array
from cimspice.campaign.versions import provenance
from cimspice.errors import ParameterError
from cimspice.progress import OnProgress, Progress, in_stage, silent
from cimspice.sram.characterisation.array import cell_currents, cell_shifts
from cimspice.sram.characterisation.conditions import SramConditions
from cimspice.sram.characterisation.readout import readout_loads
from cimspice.sram.emulator.layer import SramLayer
from cimspice.sram.emulator.layer_design import LayerDesign
from cimspice.sram.emulator.learning import LearningNetwork, LearningRule, Trace, random_words
from cimspice.sram.emulator.periphery import Periphery
from cimspice.sram.emulator.read import Cells
from cimspice.sram.mapping.format import WordFormat
from cimspice.sram.model.bit_line import BitLines
from cimspice.sram.model.build import log_factors
from cimspice.sram.model.readout_loads import fit_readout_loads
from cimspice.sram.training.accuracy import FORMATS, Lessons
from cimspice.sram.training.chip import ChipFamily, Effects
from cimspice.sram.training.network_lessons import StoredNetwork
from cimspice.sram.validation.circuit_layer import BLOCKS, CircuitLayer
from cimspice.sram.validation.learning_comparison import ForwardComparison, Pair, StepComparison
from cimspice.sram.validation.learning_periphery import characterised_periphery
from cimspice.sram.validation.read import CHIP_SEED, characterised_lines, operating_point
from cimspice.training.iris_folds import Folds

STEP_SIZES = (3, 3, 3)
"""Features, hidden neurons, outputs: both layers are 4 inputs, a bias among them, × 3 neurons."""
STEP_BITS = 4
STEP_RULE = LearningRule(rate=0.4, hidden_rate=0.4, hidden_gain=1.0)
"""A step that changes words of 4 bits: at the rates of training most changes are rounded away."""
STEP_ACTIVE = 2
"""Hidden neurons within their limits: what reaches the first layer's gradient comes through them."""


@dataclass(frozen=True, eq=False)
class Characterised:
    """What both comparisons rest on."""

    conditions: SramConditions
    lines: BitLines
    periphery: Periphery
    nominal: Array

    def family(self, bits: int) -> ChipFamily:
        """Chips with words of so many bits."""
        slice_bits, slices, largest_error = FORMATS[bits]
        return ChipFamily(self.lines, self.periphery, WordFormat(slice_bits, slices), largest_error)


def characterised(
    conditions: SramConditions,
    *,
    samples: int = 0,
    cells: int = 100,
    progress: OnProgress = silent,
) -> Characterised:
    """Bit lines and periphery; ``samples`` with mismatch of the latter, ``cells`` of the former. The
    readout's capacitance is taken from its own circuit, whatever the array says."""
    loads = readout_loads(conditions, progress)
    readout = fit_readout_loads(loads).model
    array = conditions.array.model_copy(update={"readout_capacitance": readout.line})
    conditions = replace(conditions, array=array)
    fit = characterised_lines(conditions, cells=cells, progress=progress)
    periphery = characterised_periphery(conditions, fit.model, readout, samples=samples, progress=progress)
    return Characterised(conditions, fit.model, periphery, fit.nominal)


def compare_step(
    known: Characterised,
    *,
    seed: int = 0,
    mismatch: bool = False,
    progress: OnProgress = silent,
) -> StepComparison:
    """Random words and one random sample: forward, error, transposed read, gradient, update.

    Parameters
    ----------
    known
        The characterised circuits.
    seed
        Of words, sample, rounding and mismatch.
    mismatch
        Whether cells differ; the emulator is given each cell's DC current.
    progress
        Progress.
    """
    design = known.family(STEP_BITS).design()
    words, inputs, label = _drawn_step(design, np.random.default_rng([seed, 7]))
    emulated, circuit = _both(known, design, words, seed, STEP_RULE, mismatch, progress)
    traces = [network.forward(inputs[:, None, :]) for network in (circuit, emulated)]
    errors = _errors((circuit, emulated), traces, label)
    changes = [
        network.changes(trace, error)
        for network, trace, error in zip((circuit, emulated), traces, errors, strict=True)
    ]
    after = [
        [network.updated(layer, change) for layer, change in zip(network.layers, found, strict=True)]
        for network, found in zip((circuit, emulated), changes, strict=True)
    ]
    form = design.form
    changed = sum(
        int((form.bits_of(old) != form.bits_of(new)).sum()) for old, new in zip(words, after[0], strict=True)
    )
    return StepComparison(
        rails=_pair(traces, "rails"),
        codes=_pair(traces, "codes"),
        errors=Pair(*errors),
        transposed=_transposed(circuit, emulated, errors[0]),
        gradient=Pair(*(_flat(found) for found in changes)),
        words=Pair(*(_flat(found) for found in after)),
        changed_bits=changed,
        written=_written(known.conditions, progress),
        flipped=sum(layer.flipped for layer in _circuits(circuit)),
        seconds=sum(layer.seconds for layer in _circuits(circuit)),
    )


def _errors(networks: Sequence[LearningNetwork], traces: Sequence[Trace], label: Array) -> list[Array]:
    """Errors of the outputs, by network; where the first has learnt the sample already, those for its weakest
    class, which make a step that shows everything."""
    circuit, emulated = networks
    found = circuit.output_errors(traces[0], label)
    if not found.any():
        label = traces[0].outputs[-1][:, 0].argmin(axis=-1)
        found = circuit.output_errors(traces[0], label)
    return [found, emulated.output_errors(traces[1], label)]


def _drawn_step(design: LayerDesign, generator: np.random.Generator) -> tuple[list[Array], Array, Array]:
    """Random words, inputs (1, features) and label (1,), drawn again until enough hidden neurons are within
    their limits on a nominal chip."""
    largest = 2**design.periphery.multiplier.bits - 1
    while True:
        words = [
            random_words(design.form, (1, after, before + 1), generator, spread=1.0)
            for before, after in pairwise(STEP_SIZES)
        ]
        inputs, label = generator.integers(0, largest + 1, (1, STEP_SIZES[0])), generator.integers(0, 3, 1)
        layers = [SramLayer(design, stored) for stored in words]
        nominal = LearningNetwork(layers, np.random.default_rng(0), STEP_RULE)
        hidden = nominal.forward(inputs[:, None, :]).inputs[1][..., :-1]
        if ((hidden > 0) & (hidden < largest)).sum() >= STEP_ACTIVE:
            return words, inputs, label


def compare_network_step(
    known: Characterised,
    stored: StoredNetwork,
    family: ChipFamily,
    inputs: Array,
    label: Array,
    rule: LearningRule,
    progress: OnProgress = silent,
) -> dict[str, Any]:
    """One sample, codes (1, features) and its class (1,), through a stored network on a nominal chip in
    emulator and circuit: forward, error, transposed read, gradient. The emulator's layers get the inputs
    that the circuit's have."""
    nominal = stored.on_chips(family, 1, rule=rule, effects=Effects.nominal())
    design = nominal.layers[0].design
    networks = []
    for kind in (SramLayer, CircuitLayer):
        own = {"conditions": known.conditions, "progress": progress} if kind is CircuitLayer else {}
        layers = [kind(design, layer.words, **own) for layer in nominal.layers]
        networks.append(LearningNetwork(layers, np.random.default_rng(0), rule, stored.gains))
    emulated, circuit = networks
    trace = circuit.forward(inputs[:, None, :])
    traces = [trace, _emulated_trace(emulated, trace)]
    errors = _errors((circuit, emulated), traces, label)
    changes = [
        _flat(network.changes(trace, error))
        for network, trace, error in zip((circuit, emulated), traces, errors, strict=True)
    ]
    rails, codes, gradient = _pair(traces, "rails"), _pair(traces, "codes"), Pair(*changes)
    return {
        "forward_error_percent": rails.percent,
        "codes": codes.measured.size,
        "codes_differ": codes.differ,
        "errors_differ": Pair(*errors).differ,
        "gradient_error_percent": gradient.percent,
        "gradient_nonzero": int(np.count_nonzero(gradient.measured)),
        "spice_seconds": sum(layer.seconds for layer in _circuits(circuit)),
    }


def _emulated_trace(emulated: LearningNetwork, trace: Trace) -> Trace:
    """Every layer for the inputs that it has in another trace."""
    rails = tuple(layer.rails(seen) for layer, seen in zip(emulated.layers, trace.inputs, strict=True))
    codes = tuple(layer.codes(read) for layer, read in zip(emulated.layers, rails, strict=True))
    outputs = tuple(layer.merge(code) for layer, code in zip(emulated.layers, codes, strict=True))
    return Trace(trace.inputs, rails, codes, outputs)


def compare_forward(
    known: Characterised,
    lessons: Lessons,
    *,
    samples: int = 20,
    bits: int = 8,
    mismatch: bool = False,
    progress: OnProgress = silent,
) -> ForwardComparison:
    """Held-out flowers through the network of one chip that has learnt them in the emulator.

    ParameterError if more flowers are asked for than are held out.
    """
    splits = lessons.splits(1)
    held_out = splits.x_test.shape[1]
    if not 1 <= samples <= held_out:
        raise ParameterError(
            f"{samples} samples of {held_out} held-out flowers",
            place="samples",
            remedy=f"use 1 to {held_out}",
        )
    family = known.family(bits)
    progress(Progress(stage="learn Iris in the emulator"))
    design, words = family.design(), _learnt(family, lessons, splits)
    emulated, circuit = _both(known, design, words, lessons.seed, lessons.rule, mismatch, progress)
    order = np.argsort(np.arange(held_out) % 3, kind="stable")[:samples]  # folds are sorted by class
    flowers = splits.x_test[:, order]
    traces = [circuit.forward(flowers), emulated.forward(flowers)]
    began = time.process_time()
    emulated.forward(flowers)
    seconds = time.process_time() - began
    return ForwardComparison(
        rails=_pair(traces, "rails"),
        codes=_pair(traces, "codes"),
        classes=Pair(*(trace.outputs[-1].argmax(axis=-1) for trace in traces)),
        labels=splits.y_test[0, order],
        seconds=sum(layer.seconds for layer in _circuits(circuit)),
        emulator_seconds=seconds,
    )


def _learnt(family: ChipFamily, lessons: Lessons, splits: Folds) -> list[Array]:
    """Words of one nominal chip that has learnt, without noise."""
    from cimspice.sram.training.lessons import learn

    effects = Effects(cells=False, noise=False)
    network = family.network(1, lessons.sizes, seed=lessons.seed, rule=lessons.rule, effects=effects)
    learn(network, splits, epochs=lessons.epochs, seed=lessons.seed, decay=lessons.decay)
    return [layer.words for layer in network.layers]


def _both(
    known: Characterised,
    design: LayerDesign,
    words: Sequence[Array],
    seed: int,
    rule: LearningRule,
    mismatch: bool,
    progress: OnProgress,
) -> tuple[LearningNetwork, LearningNetwork]:
    """Emulator and circuit with the same words, cells and rounding."""
    emulated, circuit = [], []
    for number, stored in enumerate(words):
        shape = (*stored.shape[1:], design.form.slices, design.form.slice_bits)
        shifts, cells = None, None
        if mismatch:
            first = number * 100_000
            shifts = cell_shifts(
                range(first, first + int(np.prod(shape))), seed + CHIP_SEED, known.conditions.array.cell
            )
            currents = cell_currents(known.conditions, shifts, progress)
            logs = log_factors(currents, known.nominal)
            trips = np.full((1, *shape, 2), known.lines.trip_voltage)
            cells = Cells(logs.reshape(1, *shape, 2), trips)
            shifts = shifts.reshape(*shape, 6)
        emulated.append(SramLayer(design, stored, cells=cells))
        circuit.append(
            CircuitLayer(
                design,
                stored,
                conditions=known.conditions,
                shifts=shifts,
                progress=progress,
            )
        )
    return tuple(
        LearningNetwork(layers, np.random.default_rng([seed, 8]), rule) for layers in (emulated, circuit)
    )  # pyright: ignore[reportReturnType] (two of them)


def _circuits(network: LearningNetwork) -> list[CircuitLayer]:
    return [layer for layer in network.layers if isinstance(layer, CircuitLayer)]


def _flat(arrays: Sequence[Array]) -> Array:
    return np.concatenate([np.ravel(values) for values in arrays])


def _pair(traces: Sequence[Trace], name: str) -> Pair:
    return Pair(*(_flat(getattr(trace, name)) for trace in traces))


def _transposed(circuit: LearningNetwork, emulated: LearningNetwork, errors: Array) -> Pair:
    """Voltages of the transposed reads of the last layer, for the same errors."""
    found: list[list[Array]] = [[], []]
    for sign in (1, -1):
        factors = np.maximum(sign * errors, 0)
        if not factors.any():
            continue
        for volts, network in zip(found, (circuit, emulated), strict=True):
            layer = network.layers[-1]
            volts.append(layer.transposed_difference(factors, np.array([0]), layer.columns))
    return Pair(*(_flat(volts) if volts else np.zeros(1) for volts in found))


def _written(conditions: SramConditions, progress: OnProgress) -> bool:
    """Whether the write driver flips a cell at these conditions."""
    run = {"supply_voltage": conditions.array.supply_voltage, "column": {"rows": conditions.array.rows}}
    run["column"]["columns"] = conditions.array.columns
    run["timing"] = {"close": 8e-9, "precharge_again": 8.2e-9, "end": 12e-9}
    table = conditions.run("sram_write_access", [run], in_stage("a write", progress))
    return bool(table["written"].iloc[0] == 1)


def step_report(
    known: Characterised, step: StepComparison, forward: ForwardComparison | None
) -> dict[str, Any]:
    """What ``--json`` prints; errors in percent of the largest value in ngspice."""
    conditions = known.conditions
    facts: dict[str, Any] = {
        "forward_error_percent": step.rails.percent,
        "forward_codes_differ": step.codes.differ,
        "forward_codes": step.codes.measured.size,
        "errors_differ": step.errors.differ,
        "gradient_error_percent": step.gradient.percent,
        "gradient_nonzero": int(np.count_nonzero(step.gradient.measured)),
        "transposed_error_percent": step.transposed.percent,
        "update_bits_differ": step.bits_differ,
        "update_bits_changed": step.changed_bits,
        "update_bits": step.words.measured.size * STEP_BITS,
        "write_succeeds": step.written,
        "flipped_cells": step.flipped,
        "spice_seconds": step.seconds,
        "blocks": BLOCKS,
        "corner": conditions.corner,
        "temperature": conditions.temperature,
        "operating_point": operating_point(conditions, known.lines),
        "provenance": provenance(),
    }
    if forward is not None:
        count = len(forward.labels)
        facts |= {
            "forward_samples": count,
            "forward_samples_error_percent": forward.rails.percent,
            "forward_samples_codes_differ": forward.codes.differ,
            "forward_samples_codes": forward.codes.measured.size,
            "forward_samples_classes_differ": forward.classes.differ,
            "forward_samples_accuracy_percent": 100
            * float((forward.classes.measured[0] == forward.labels).mean()),
            "forward_samples_spice_seconds": forward.seconds,
            "forward_samples_emulator_seconds": forward.emulator_seconds,
        }
    return facts
