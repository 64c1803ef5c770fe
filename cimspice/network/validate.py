"""A network on circuits, through the emulator and through the circuit itself, on the same inputs.

Each layer's circuit receives what the layers before it made in the circuit. The simulator is given as a
function, so that nothing here depends on one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cimspice.arrays import checked_array, checked_count
from cimspice.network.budget import Budget, shapley
from cimspice.network.certificate import (
    AccuracyInterval,
    Certificate,
    Stratum,
    accuracy_interval,
    flip_bound,
    runs_needed,
)
from cimspice.network.circuit import CircuitNetwork, of_layer, relative
from cimspice.network.decisions import agreement, share_right, strongest
from cimspice.network.output_error import LEAST_INPUTS, whole_inputs_bound
from cimspice.network.simulated import (
    LineComparison,
    Seconds,
    Simulate,
    by_node,
    simulated_layers,
    vectors,
)
from cimspice.progress import OnProgress, Progress, silent

if TYPE_CHECKING:
    from cimspice.network.sampled_lines import LinePlan
    from cimspice.network.sampled_tiles import TilePlan

DEFAULT_INPUTS, DEFAULT_SECONDS = 20, 1200.0
"""Inputs that run by default: so many, or what is expected to take so many CPU seconds."""
BUDGET_INPUTS, _BUDGET_CELLS = 200, 1_600_000
"""Inputs of the shares, where the emulator takes as many in seconds; and cells whose currents it forms for
every subset of the effects where it takes seconds for one."""


@dataclass(frozen=True)
class Plan:
    """What a comparison will take, and what it can prove.

    Attributes
    ----------
    runs, population
        Inputs to run, of how many.
    flips_without_one
        Bound on the share of different decisions if none differs.
    needed
        Runs that bound it at 1 % if none differs.
    cpu_seconds
        Expected of the simulator, without what is kept from earlier runs.
    """

    runs: int
    population: int
    flips_without_one: float
    needed: int
    cpu_seconds: float


@dataclass(frozen=True, eq=False)
class TileErrors:
    """Tiles of one matrix: inputs and outputs of each, and its largest column error."""

    places: list[tuple[slice, slice]]
    errors: np.ndarray


@dataclass(frozen=True, eq=False)
class LayerComparison:
    """One layer in the network's own signal flow.

    Attributes
    ----------
    error
        Rms difference of circuit and emulator at the layer's output, see `CircuitNetwork.error`; None where
        only tiles were read.
    emulated_error
        The same of emulator and network in software.
    clipped_inputs
        Inputs limited to the circuit's range, in the emulator.
    tiles
        Of each group of a convolution (one for others), the tiles' places and largest column errors, see
        `Simulated`; NaN for tiles that were not read.
    cpu_seconds
        Of the simulator.
    lines
        What its converters took in, where it has any.
    """

    name: str
    error: float | None
    emulated_error: float
    clipped_inputs: int
    tiles: tuple[TileErrors, ...]
    cpu_seconds: float
    lines: LineComparison | None = None


@dataclass(frozen=True, eq=False)
class NetworkValidation:
    """A network in software, in the emulator and in the circuit.

    Attributes
    ----------
    drawn
        Which of the inputs ran (runs,), or had tiles read for them.
    outputs
        ``ideal``, ``emulator``, ``circuit`` to outputs (runs, outputs), and ``raw`` of a network that was
        fine-tuned, for the emulator without that; no ``circuit`` where only tiles were read.
    labels
        Of the inputs that ran; None if there are none.
    layers
        Comparison of each layer.
    budget
        Mean square difference of emulator and software by effect: of the network's output, then of each
        layer's.
    certificate
        Of decisions, or of outputs where they decide nothing or only tiles were read; None where neither can
        be.
    output_certificate, accuracy
        Where enough inputs ran, and where there are labels.
    """

    mapped: CircuitNetwork
    plan: Plan | TilePlan | LinePlan
    drawn: np.ndarray
    outputs: Mapping[str, np.ndarray]
    labels: np.ndarray | None
    layers: tuple[LayerComparison, ...]
    budget: Budget
    certificate: Certificate | None
    output_certificate: Certificate | None
    accuracy: AccuracyInterval | None

    @property
    def decisions(self) -> dict[str, np.ndarray] | None:
        """``ideal``, ``emulator``, ``circuit`` to decisions (runs,); None where outputs are no classes."""
        if not decides(self.mapped):
            return None
        return {name: strongest(outputs) for name, outputs in self.outputs.items()}

    def facts(self) -> dict[str, Any]:
        """What ``--json`` prints."""
        decided, outputs = self.decisions, self.outputs
        accuracy: dict[str, float | None] = dict.fromkeys(("ideal", "raw", "emulator", "circuit"))
        if decided is not None and self.labels is not None:
            classes = outputs["ideal"].shape[1]
            accuracy |= {name: share_right(one, self.labels, classes) for name, one in decided.items()}
        compared: dict[str, float] = {}
        lines = together([layer.lines for layer in self.layers])
        if lines is not None:
            compared = {
                "codes": lines.codes,
                "codes_differing": lines.differing,
                "codes_unexplained": lines.unexplained,
            }
        if "circuit" in outputs:
            error = relative(outputs["circuit"], outputs["emulator"])
            if of_layer(self.mapped.layers[self.mapped.last][0], "full_scale") is not None:
                error = next(layer.error for layer in self.layers if layer.name == self.mapped.last)
            last = next(layer.lines for layer in self.layers if layer.name == self.mapped.last)
            if last is not None:
                compared["output_rmse"], error = float(error or 0.0), last.relative
        else:
            assert self.certificate is not None
            decided, error = None, self.certificate.estimate
        mapped = self.mapped.facts()
        layers = [
            {
                **facts,
                "error": layer.error,
                "emulated_error": layer.emulated_error,
                "clipped_inputs": layer.clipped_inputs,
                "tile_error": max(float(np.nanmax(one.errors, initial=0.0)) for one in layer.tiles),
                "line_error": layer.lines and layer.lines.relative,
                "spice_seconds": layer.cpu_seconds,
            }
            for facts, layer in zip(mapped["layers"], self.layers, strict=True)
        ]
        certificate = None
        if self.certificate is not None:
            certificate = {
                **self.certificate.facts(),
                "output_error": self.output_certificate and self.output_certificate.facts(),
                "accuracy": self.accuracy and self.accuracy.facts(),
            }
        shares = {name: np.atleast_1d(share) for name, share in self.budget.shares.items()}
        return {
            "network": self.mapped.network.name,
            "circuit": self.mapped.family,
            "samples": len(self.drawn),
            "normalised_rmse": error,
            **compared,
            "emulated_error": relative(outputs["emulator"], outputs["ideal"]),
            "decisions_agree": decided and agreement(decided["emulator"], decided["circuit"]),
            **{f"accuracy_{name}": value for name, value in accuracy.items()},
            "clipped_inputs": sum(layer.clipped_inputs for layer in self.layers),
            "clipped_weights": total(mapped["layers"], "clipped_weights"),
            "saturated": total(mapped["layers"], "saturated"),
            "budget": {name: float(share[0]) for name, share in shares.items()},
            "budget_note": self.budget.note,
            "budget_sampling_error": self.budget.sampling_error
            and {name: float(np.ravel(error)[0]) for name, error in self.budget.sampling_error.items()},
            "budget_by_layer": {
                layer.name: {name: float(share[place]) for name, share in shares.items()}
                for place, layer in enumerate(self.layers, 1)
            },
            "certificate": certificate,
            "layers": layers,
            "expected_spice_seconds": self.plan.cpu_seconds,
            "spice_seconds": sum(layer.cpu_seconds for layer in self.layers),
        }


def default_runs(seconds: float, population: int) -> int:
    """Inputs to run where nobody says how many, of which each takes the simulator so many CPU seconds."""
    return max(1, min(DEFAULT_INPUTS, population, int(DEFAULT_SECONDS / max(seconds, 1e-9))))


def plan(mapped: CircuitNetwork, runs: int, population: int, seconds: Seconds) -> Plan:
    """What ``runs`` of a population will take and can prove.

    Raises
    ------
    ParameterError
        For more runs than inputs.
    """
    checked_count("samples", runs, high=population)
    needed = runs_needed(population, 0.01)
    expected = sum(
        seconds(layer, runs * vectors(mapped, name))
        for name, layers in mapped.layers.items()
        for layer in layers
    )
    return Plan(runs, population, flip_bound(0, runs, population).bound, needed, expected)


def validate(
    mapped: CircuitNetwork,
    x: np.ndarray,
    labels: np.ndarray | None,
    given: Plan,
    simulate: Simulate,
    *,
    seed: int = 0,
    progress: OnProgress = silent,
) -> NetworkValidation:
    """Inputs drawn at random through software, emulator and circuit.

    Parameters
    ----------
    mapped
        On one chip.
    x, labels
        All inputs (inputs, ...) and their classes (inputs,), or None.
    given
        How many to run; see `plan`.
    simulate
        Sums of a layer by the simulator.
    seed
        Of the draw.
    """
    if mapped.chips > 1:
        mapped = mapped.chip(0)
    network = mapped.network
    x = checked_array("inputs", x, ("inputs", *network.input_shape))
    if labels is not None:
        labels = checked_array("labels", labels, (len(x),), low=0, whole=True)
    drawn = np.sort(np.random.default_rng(seed).permutation(len(x))[: given.runs])
    taken, circuits = x[drawn], simulated_layers(mapped, simulate, progress)
    ideal, trace = mapped.software(taken), mapped.trace(taken)
    circuit = network.values(taken, by_node(circuits))
    values = {"ideal": ideal, "emulator": trace.values, "circuit": circuit}
    layers = tuple(
        LayerComparison(
            name,
            mapped.error(name, circuit[name], trace.values[name]),
            mapped.error(name, trace.values[name], ideal[name]),
            trace.clipped[name],
            tuple(TileErrors(one.places, one.errors) for one in made),
            sum(one.seconds for one in made),
            together([one.lines for one in made]),
        )
        for name, made in circuits.items()
    )
    outputs = {name: found[network.output].reshape(len(drawn), -1) for name, found in values.items()}
    outputs |= raw_outputs(mapped, taken)
    progress(Progress(stage="budget: subsets of effects"))
    cheap = all(is_cheap(mapped, name) for name in mapped.layers)
    budget = error_budget(mapped, x[:BUDGET_INPUTS] if cheap else taken)
    certificate = output = accuracy = None
    if decides(mapped):
        flips = int(np.count_nonzero(strongest(outputs["emulator"]) != strongest(outputs["circuit"])))
        certificate = flip_bound(flips, given.runs, given.population)
    if cheap:
        everything = mapped.outputs(x).reshape(len(x), -1)
        if given.runs >= min(LEAST_INPUTS, len(x)) and np.any(everything):
            known = everything - network.outputs(x).reshape(len(x), -1), everything, x.reshape(len(x), -1)
            controls = np.stack([np.sum(one**2, axis=1) for one in known], axis=1)
            errors = np.sum((outputs["circuit"] - outputs["emulator"]) ** 2, axis=1)
            size = float(controls[:, 1].mean())
            output = whole_inputs_bound(errors, drawn, controls, size, seed=seed)
        if decides(mapped) and labels is not None:
            accuracy = _accuracy(
                strongest(everything) == labels, strongest(outputs["circuit"]), labels, drawn
            )
    return NetworkValidation(
        mapped,
        given,
        drawn,
        outputs,
        None if labels is None else labels[drawn],
        layers,
        budget,
        certificate or output,
        output,
        accuracy,
    )


def error_budget(mapped: CircuitNetwork, x: np.ndarray) -> Budget:
    """Mean square difference from the network in software by effect: of the network's output, then of the
    output of each layer."""
    network, effects = mapped.network, mapped.effects
    names = [network.output, *mapped.layers]
    ideal = mapped.software(x)

    found: dict[tuple[str, ...], np.ndarray] = {}

    def squares(on: frozenset[str]) -> np.ndarray:
        without = mapped.without(*(name for name in effects if name not in on))
        if without.effects not in found:  # an effect may go with another
            values = without.trace(x).values
            found[without.effects] = np.array([np.mean((values[name] - ideal[name]) ** 2) for name in names])
        return found[without.effects]

    return shapley(squares, effects)


def raw_outputs(mapped: CircuitNetwork, x: np.ndarray) -> dict[str, np.ndarray]:
    """``raw`` to outputs (samples, outputs) of the emulator without fine-tuning, where there was any."""
    return {} if mapped.raw is None else {"raw": mapped.raw.outputs(x).reshape(len(x), -1)}


def together(lines: Sequence[LineComparison | None]) -> LineComparison | None:
    """Of several layers or groups; None where none has converters that were compared."""
    found = [one for one in lines if one is not None]
    return sum(found[1:], found[0]) if found else None


def is_cheap(mapped: CircuitNetwork, name: str) -> bool:
    """Whether the emulator takes thousands of samples in seconds: it is fast, or no convolution."""
    if any(of_layer(layer, "smooth") is not None for layer in mapped.layers[name]):
        return False
    return vectors(mapped, name) == 1 or all(
        layer.matrix is not None or of_layer(layer, "fast") for layer in mapped.layers[name]
    )


def costly_inputs(mapped: CircuitNetwork) -> int:
    """Inputs of the shares where single tiles are read, as whole inputs take long."""
    cells = sum(
        vectors(mapped, node.name) * node.arrays["weights"].size for node in mapped.network.weight_layers
    )
    return max(1, _BUDGET_CELLS // cells)


def decides(mapped: CircuitNetwork) -> bool:
    """Whether the outputs are those of classes."""
    shape = mapped.network.shapes[mapped.network.output]
    return len(shape) == 1 and shape[0] > 1


def _accuracy(
    right: np.ndarray, circuit: np.ndarray, labels: np.ndarray, drawn: np.ndarray
) -> AccuracyInterval:
    changed = right[drawn] != (circuit == labels[drawn])
    kept, other = (
        Stratum(int(kind.sum()), int(kind[drawn].sum()), int((kind[drawn] & changed).sum()))
        for kind in (right, ~right)
    )
    return accuracy_interval(kept, other)


def total(layers: Sequence[Mapping[str, Any]], name: str) -> int | None:
    """Sum of a count over the layers that have it; None if none has."""
    found = [layer[name] for layer in layers if layer.get(name) is not None]
    return sum(found) if found else None
