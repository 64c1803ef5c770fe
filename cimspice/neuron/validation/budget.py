"""Which term of the model removes how much of the error: a ladder from the ideal sum to the full model."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import minimize

from cimspice.arrays import Array
from cimspice.errors import ParameterError
from cimspice.neuron.emulator.network import NeuronNetwork
from cimspice.neuron.model.simplify import Terms, scaled, simplify, simplify_wires
from cimspice.neuron.model.synapse_currents import Polarity
from cimspice.neuron.validation.compare import Comparison, rmse


@dataclass(frozen=True)
class Ablation:
    """The model with some terms switched off: those it keeps, and how many scales are searched."""

    name: str
    title: str
    terms: Terms
    scales: int = 0
    wires: bool = False
    """Keep the wires, where the network has some."""


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
    Ablation("full", "+ leakage (full model)", Terms(), wires=True),
)  # fmt: skip
"""Models from the simplest to the full one, each with one term more."""

WIRED = (
    *LADDER[:-1],
    Ablation("unwired", "+ leakage", Terms()),
    Ablation("full", "+ wires (full model)", Terms(), wires=True),
)
"""The same of a network with wires."""

WITHOUT = (
    Ablation("voltage", "E± of each current instead of I(V)", Terms(current="program"), wires=True),
    Ablation("capacitance", "constant C", Terms(capacitance=False), wires=True),
    Ablation("readout", "fitted ramp instead of the read-out", Terms(readout="reversal"), wires=True),
    Ablation("edges", "no charge of edges, no driver, no reset", Terms(edges=False), wires=True),
    Ablation("leakage", "no leakage", Terms(leakage=False), wires=True),
)
WITHOUT_WIRES = (
    Ablation("rails", "rails without resistance", Terms(rails=False), wires=True),
    Ablation("lines", "edges as on ideal lines and rails", Terms(lines=False), wires=True),
    Ablation("coupling", "membranes that are not coupled", Terms(coupling=False), wires=True),
)
"""The full model without a term; the latter of networks with wires."""


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
        simpler, scales = simpler_network(network, ablation), {}
        if ablation.scales:
            simpler, scales = best_scales(simpler, calibration, reference, ablation.scales)
        times = tuple(times for _, times in simpler(spikes))
        comparison = Comparison(times, circuit_times, network.model.phase)
        return BudgetRow(ablation.name, ablation.title, comparison, scales)

    ladder, without = (WIRED, WITHOUT + WITHOUT_WIRES) if network.wires else (LADDER, WITHOUT)
    return ErrorBudget(tuple(map(compare, ladder)), tuple(map(compare, without)))


def simpler_network(network: NeuronNetwork, ablation: Ablation) -> NeuronNetwork:
    """The network with the terms that an ablation keeps, scales not searched."""
    model, wires = simplify(network.model, ablation.terms), network.wires
    kept = simplify_wires(wires, model, ablation.terms) if wires and ablation.wires else None
    return replace(network, model=model, wires=kept)


def simplified(network: NeuronNetwork, row: BudgetRow) -> NeuronNetwork:
    """Another network of the same circuit as a row of the ladder has it, with the row's scales."""
    simpler = simpler_network(network, find_ablation(row.name))
    if not row.scales:
        return simpler
    factors: dict[Polarity, float] = {"n": row.scales["scale_n"], "p": row.scales["scale_p"]}
    return replace(simpler, model=scaled(simpler.model, factors))


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
