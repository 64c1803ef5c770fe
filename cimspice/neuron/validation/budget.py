"""Which term of the model removes how much of the error: a ladder from the ideal sum to the full model."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import minimize

from cimspice.arrays import Array
from cimspice.errors import ParameterError
from cimspice.neuron.emulator.network import NeuronNetwork
from cimspice.neuron.model.neuron import NeuronModel
from cimspice.neuron.model.simplify import Terms, scaled, simplify
from cimspice.neuron.model.synapse_currents import Polarity
from cimspice.neuron.validation.compare import Comparison, rmse


@dataclass(frozen=True)
class Ablation:
    """The model with some terms switched off: those it keeps, and how many scales are searched."""

    name: str
    title: str
    terms: Terms
    scales: int = 0


LADDER = (
    Ablation("ideal", "ideal sum (E = ∞), two scales", Terms("ideal", "straight", False, False, False), 2),
    Ablation(
        "constant", "constant E± (paper), one scale", Terms("constant", "reversal", False, False, False), 1
    ),
    Ablation("current", "E± of each current", Terms("program", "reversal", False, False, False)),
    Ablation("voltage", "measured I(V)", Terms("table", "reversal", False, False, False)),
    Ablation("capacitance", "+ C(V)", Terms("table", "reversal", True, False, False)),
    Ablation("readout", "+ measured ramp and comparator", Terms("table", "table", True, False, False)),
    Ablation("edges", "+ charge of edges, driver, reset", Terms("table", "table", True, True, False)),
    Ablation("full", "+ leakage (full model)", Terms()),
)  # fmt: skip
"""Models from the simplest to the full one, each with one term more."""

WITHOUT = (
    Ablation("voltage", "E± of each current instead of I(V)", Terms(current="program")),
    Ablation("capacitance", "constant C", Terms(capacitance=False)),
    Ablation("readout", "fitted ramp instead of the measured read-out", Terms(readout="reversal")),
    Ablation("edges", "no charge of edges, no driver, no reset", Terms(edges=False)),
    Ablation("leakage", "no leakage", Terms(leakage=False)),
)


def find_ablation(name: str) -> Ablation:
    """The ladder's model of that name.

    Raises
    ------
    ParameterError
        If there is none.
    """
    for ablation in LADDER:
        if ablation.name == name:
            return ablation
    raise ParameterError(
        f"unknown model {name!r}",
        place="model",
        remedy=f"use one of {', '.join(ablation.name for ablation in LADDER)}",
    )


@dataclass(frozen=True, eq=False)
class BudgetRow:
    """One model of the budget beside the circuit; errors in seconds."""

    name: str
    title: str
    comparison: Comparison
    scales: Mapping[str, float]

    @property
    def hidden_rmse(self) -> float:
        return self.comparison.hidden_rmse

    @property
    def output_rmse(self) -> float:
        return self.comparison.output_rmse

    @property
    def worst(self) -> float:
        return self.comparison.worst[0]


@dataclass(frozen=True, eq=False)
class ErrorBudget:
    """Each ablation with one term more than the last, and the full model without one term at a time.

    Attributes
    ----------
    ladder, without
        Rows; ``ladder[-1]`` is the full model.
    reduction
        Ablation → by how much the mean square error of the output (s²) is less than with the ablation before;
        all of them and the full model's own error add up to the first ablation's.
    """

    ladder: tuple[BudgetRow, ...]
    without: tuple[BudgetRow, ...]

    @property
    def reduction(self) -> dict[str, float]:
        squares = [row.output_rmse**2 for row in self.ladder]
        return {
            row.name: before - after
            for row, before, after in zip(self.ladder[1:], squares, squares[1:], strict=False)
        }

    def row(self, name: str) -> BudgetRow:
        """Row of the ladder."""
        return next(row for row in self.ladder if row.name == name)


def error_budget(
    network: NeuronNetwork,
    spikes: Array,
    circuit_times: tuple[Array, ...],
    calibration: Array,
) -> ErrorBudget:
    """Run every ablation on the circuit's own programming and compare.

    Parameters
    ----------
    network
        The emulated circuit with the full model.
    spikes
        Input spikes of the samples that the circuit ran, (samples, inputs).
    circuit_times
        Its spike times per layer (s).
    calibration
        Other input spikes, (samples, inputs): the scales that simple models are granted are searched
        there, against the full model, which stands for the circuit to a fraction of a nanosecond.
    """
    reference = network(calibration)[-1][1]

    def compare(ablation: Ablation) -> BudgetRow:
        simpler, scales = replace(network, model=simplify(network.model, ablation.terms)), {}
        if ablation.scales:
            simpler, scales = best_scales(simpler, calibration, reference, ablation.scales)
        times = tuple(times for _, times in simpler(spikes))
        comparison = Comparison(times, circuit_times, network.model.phase)
        return BudgetRow(ablation.name, ablation.title, comparison, scales)

    return ErrorBudget(tuple(map(compare, LADDER)), tuple(map(compare, WITHOUT)))


def simplified(model: NeuronModel, row: BudgetRow) -> NeuronModel:
    """Another model of the same circuit as a row of the ladder has it, with the row's scales."""
    simpler = simplify(model, find_ablation(row.name).terms)
    if not row.scales:
        return simpler
    return scaled(simpler, {"n": row.scales["scale_n"], "p": row.scales["scale_p"]})


def best_scales(
    network: NeuronNetwork,
    spikes: Array,
    reference: Array,
    count: int,
) -> tuple[NeuronNetwork, dict[str, float]]:
    """The network with its currents scaled (one factor, or one per sign) so that outputs come nearest to a
    reference."""

    def scales(logarithms: Array) -> dict[Polarity, float]:
        return {"n": float(np.exp(logarithms[0])), "p": float(np.exp(logarithms[-1]))}

    def at(logarithms: Array) -> NeuronNetwork:
        return replace(network, model=scaled(network.model, scales(logarithms)))

    def error(logarithms: Array) -> float:
        return rmse(at(logarithms)(spikes)[-1][1], reference) / network.model.phase

    found = search(error, count)
    return at(found), {f"scale_{name}": value for name, value in scales(found).items()}


def search(error, count: int) -> Array:
    """Logarithms of the factors that minimise an error, from 1, to about a per mille: the paper's scale
    search."""
    start = np.zeros(count)
    simplex = np.concatenate([start[None], start + 0.05 * np.eye(count)])
    options = {"initial_simplex": simplex, "xatol": 3e-4, "fatol": 1e-7, "maxfev": 60 * count}
    return minimize(error, start, method="Nelder-Mead", options=options).x
