"""A network whose layers convert each sum, of which single conversions go through the simulator.

Where codes are whole numbers small errors do not pass on in proportion, and nothing is said of the network's
output. What a converter takes in is compared: over all samples, pixels, outputs and groups of inputs, of
which some are drawn at random, each as likely as any other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from cimspice.arrays import checked_array, checked_count
from cimspice.errors import ParameterError
from cimspice.network.circuit import CircuitNetwork, CircuitTrace, Layer, relative
from cimspice.network.output_error import LEAST_INPUTS, whole_inputs_bound
from cimspice.network.sampled_tiles import seen_by_groups
from cimspice.network.simulated import LineComparison
from cimspice.network.validate import (
    BUDGET_INPUTS,
    LayerComparison,
    NetworkValidation,
    TileErrors,
    error_budget,
    is_cheap,
    raw_outputs,
)
from cimspice.progress import OnProgress, Progress, silent

_SAMPLES = 100
"""Inputs whose conversions are drawn from, where not all are asked for."""


class LineReads(Protocol):
    """The conversions of a layer's circuit one by one, numbered for each vector of its inputs."""

    @property
    def places(self) -> list[tuple[slice, slice]]:
        """Inputs and outputs of each."""
        ...

    def emulated(self, x: np.ndarray) -> np.ndarray:
        """What each takes in (n, conversions), V, for inputs (n, inputs); NaN where there is none."""
        ...

    def simulated(
        self, x: np.ndarray, numbers: np.ndarray, progress: OnProgress
    ) -> tuple[np.ndarray, LineComparison, float]:
        """What the simulator gives for one conversion each of inputs (reads, inputs), V (reads,); that beside
        the emulator; CPU time."""
        ...

    def seconds(self, x: np.ndarray) -> float:
        """CPU time that `simulated` is expected to take for one conversion each of inputs (reads, inputs)."""
        ...


@dataclass(frozen=True, eq=False)
class LinePlan:
    """Which conversions run, and what that is expected to take.

    Attributes
    ----------
    drawn
        Which of the inputs these are drawn from.
    parts
        Layer, its conversions, and its inputs (vectors, inputs), one after another.
    emulated
        What all of these take in (V), part after part.
    first
        Of each part in ``emulated``, and their number.
    reads
        Which of ``emulated`` run, rising.
    """

    mapped: CircuitNetwork
    trace: CircuitTrace
    x: np.ndarray
    drawn: np.ndarray
    parts: tuple[tuple[str, LineReads, np.ndarray, np.ndarray], ...]
    emulated: np.ndarray
    first: np.ndarray
    reads: np.ndarray
    cpu_seconds: float

    @property
    def runs(self) -> int:
        """Conversions that run."""
        return len(self.reads)

    @property
    def population(self) -> int:
        """Inputs they are drawn from."""
        return len(self.drawn)

    def of_part(self, number: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Of the reads in one part: where they are among all, and their vector and conversion."""
        low, high = self.first[number : number + 2]
        own = np.flatnonzero((self.reads >= low) & (self.reads < high))
        place = self.parts[number][3][self.reads[own] - low]
        return own, place[:, 0], place[:, 1]


def plan_lines(
    mapped: CircuitNetwork,
    x: np.ndarray,
    reads: int | None,
    line_reads: Callable[[Layer], LineReads],
    *,
    samples: int | None = None,
    longest: float = np.inf,
    seed: int = 0,
) -> LinePlan:
    """Draw ``reads`` conversions, by default as many as take the simulator ``longest`` seconds, of
    ``samples`` inputs drawn from x (inputs, ...).

    Raises
    ------
    ParameterError
        For fewer reads than bound an error, and more samples than there are.
    """
    network, rng = mapped.network, np.random.default_rng(seed)
    x = checked_array("inputs", x, ("inputs", *network.input_shape))
    count = min(_SAMPLES, len(x)) if samples is None else checked_count("samples", samples, high=len(x))
    if reads is not None and reads < LEAST_INPUTS:
        raise ParameterError(
            f"{reads} reads bound no error", place="--tiles", remedy=f"ask for {LEAST_INPUTS} or more"
        )
    drawn = np.sort(rng.permutation(len(x))[:count])
    trace, parts, emulated = mapped.trace(x[drawn]), [], []
    for node in network.weight_layers:
        layers = mapped.layers[node.name]
        seen = seen_by_groups(node, trace.values[node.inputs[0]], len(layers))
        for layer, part in zip(layers, seen, strict=True):
            made, vectors = line_reads(layer), part.reshape(-1, part.shape[-1])
            volts = made.emulated(vectors)
            there = np.argwhere(np.isfinite(volts))
            parts.append((node.name, made, vectors, there))
            emulated.append(volts[tuple(there.T)])
    first = np.concatenate([[0], np.cumsum([len(one) for one in emulated])])
    order = rng.permutation(first[-1])
    if reads is None:
        some = LinePlan(mapped, trace, x, drawn, tuple(parts), np.zeros(0), first, np.sort(order[:1000]), 0.0)
        reads = max(LEAST_INPUTS, int(longest / (_seconds(some) / some.runs)))
    plan = LinePlan(
        mapped, trace, x, drawn, tuple(parts), np.concatenate(emulated), first, np.sort(order[:reads]), 0.0
    )
    return replace(plan, cpu_seconds=_seconds(plan))


def _seconds(plan: LinePlan) -> float:
    found = 0.0
    for number, (_, made, vectors, _) in enumerate(plan.parts):
        own, vector, _ = plan.of_part(number)
        found += made.seconds(vectors[vector]) if len(own) else 0.0
    return found


def validate_lines(
    given: LinePlan, labels: np.ndarray | None, *, seed: int = 0, progress: OnProgress = silent
) -> NetworkValidation:
    """The plan's conversions by the simulator, and what they prove of all conversions.

    Parameters
    ----------
    given
        See `plan_lines`.
    labels
        Classes of all inputs (inputs,), or None.
    seed
        Of the bound's bootstrap.
    """
    mapped, trace, drawn = given.mapped, given.trace, given.drawn
    network = mapped.network
    if labels is not None:
        labels = checked_array("labels", labels, (len(given.x),), low=0, whole=True)
    volts = np.zeros(given.runs)
    made: dict[str, list[tuple[TileErrors, LineComparison, float]]] = {}
    for number, (name, part, vectors, _) in enumerate(given.parts):
        own, vector, which = given.of_part(number)
        worst = np.full(len(part.places), np.nan)
        lines, seconds = LineComparison(), 0.0
        if len(own):

            def named(state: Progress, name: str = name) -> None:
                progress(Progress(stage=f"ngspice: passes of {name}", done=state.done, points=state.points))

            volts[own], lines, seconds = part.simulated(vectors[vector], which, named)
            emulated = given.emulated[given.reads[own]]
            largest = np.abs(emulated).max() or 1.0
            np.fmax.at(worst, which, np.abs(volts[own] - emulated) / largest)
        made.setdefault(name, []).append((TileErrors(part.places, worst), lines, seconds))
    progress(Progress(stage="budget: subsets of effects"))
    ideal = network.values(given.x[drawn])
    squares = given.emulated**2
    errors = (volts - given.emulated[given.reads]) ** 2
    bound = whole_inputs_bound(errors, given.reads, squares, float(squares.mean()), seed=seed)
    values: Mapping[str, Mapping[str, np.ndarray]] = {"ideal": ideal, "emulator": trace.values}
    cheap = all(is_cheap(mapped, name) for name in mapped.layers)
    return NetworkValidation(
        mapped,
        given,
        drawn,
        {name: found[network.output].reshape(len(drawn), -1) for name, found in values.items()}
        | raw_outputs(mapped, given.x[drawn]),
        None if labels is None else labels[drawn],
        tuple(
            LayerComparison(
                name,
                None,
                relative(trace.values[name], ideal[name]),
                trace.clipped[name],
                tuple(errors for errors, _, _ in found),
                sum(seconds for _, _, seconds in found),
                sum((lines for _, lines, _ in found), LineComparison()),
            )
            for name, found in made.items()
        ),
        error_budget(mapped, given.x[drawn][: BUDGET_INPUTS if cheap else 20]),
        replace(
            bound,
            kind="sampled_tiles",
            sentence=f"With {100 * bound.confidence:g} % confidence what the converters take in differs "
            f"between circuit and emulator by at most {bound.bound:.3g} of the emulator's (rms), over all "
            f"{bound.population:,} conversions of {len(drawn)} inputs: {bound.runs} drawn at random ran, "
            f"which give {bound.estimate:.3g}.",
        ),
        None,
        None,
    )
