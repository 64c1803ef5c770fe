"""What a validation found, as figures: what ``--json`` prints. Times in nanoseconds, the rest in SI units."""

from dataclasses import asdict
from typing import Any

from cimspice.campaign.versions import provenance
from cimspice.neuron.model.neuron import NeuronModel
from cimspice.neuron.model.simplify import ramp_beta, reversal_potentials
from cimspice.neuron.validation.budget import BudgetRow
from cimspice.neuron.validation.network import NeuronValidation
from cimspice.neuron.validation.tasks import IrisValidation


def report_of(result: NeuronValidation | IrisValidation) -> dict[str, Any]:
    """Everything a validation found.

    ``output_rmse_ns`` and ``hidden_rmse_ns`` compare the circuit's model with the circuit, on the circuit's
    own programming. On Iris ``trained_output_rmse_ns`` and ``conventional_output_rmse_ns`` compare a trained
    network with the circuit that is programmed from it (the paper's measure); for a random network, which
    nobody trained, the conventional figure is that of the ideal sum with the two scales that suit it best.
    """
    if isinstance(result, IrisValidation):
        physical, more = result.physical, _iris(result)
        conventional = None if result.conventional is None else result.conventional.rmse
    else:
        physical, conventional = result, result.budget.row("ideal").output_rmse
        more = {"conventional": "ideal sum (E = ∞) of the same programming, best two scales"}
    comparison, budget, circuit = physical.comparison, physical.budget, physical.circuit
    worst, sample = comparison.worst
    rmse = [comparison.rmse(layer) for layer in range(len(comparison.circuit))]
    return {
        "output_rmse_ns": comparison.output_rmse * 1e9,
        "hidden_rmse_ns": comparison.hidden_rmse * 1e9,
        "layer_rmse_ns": [value * 1e9 for value in rmse],
        "layer_rmse_percent_of_phase": [100 * value / comparison.phase for value in rmse],
        "worst_ns": worst * 1e9,
        "worst_sample": sample,
        "spike_time_interval": physical.bands[-1].facts("ns", 1e9),
        "conventional_output_rmse_ns": None if conventional is None else conventional * 1e9,
        "ratio": _over(conventional, comparison.output_rmse),
        **_trained(physical, conventional),
        "decisions_agree": comparison.decisions_agree,
        "undecided": comparison.undecided,
        "spiking": comparison.spiking,
        "samples": len(physical.spikes),
        "layers": [physical.spikes.shape[1], *(layer.shape[1] for layer in comparison.circuit)],
        "phase_ns": comparison.phase * 1e9,
        "spice_seconds": circuit.seconds,
        "emulator_seconds": physical.emulator_seconds,
        "speed_ratio": circuit.seconds / physical.emulator_seconds if physical.emulator_seconds else None,
        "model": physical.ablation,
        "budget": {
            "ladder": [_row(row) for row in budget.ladder],
            "without": [_row(row) for row in budget.without],
            "reduction_ns2": {name: value * 1e18 for name, value in budget.reduction.items()},
        },
        "neuron": neuron_figures(physical.model, physical.spikes.shape[1]),
        "scales": physical.programmed.scales,
        "clipped_weights": physical.programmed.clipped,
        **_wired(physical),
        "corner": physical.conditions.corner,
        "temperature": physical.conditions.temperature,
        "synapse": physical.conditions.synapse,
        "provenance": provenance(),
        **more,
    }


def _trained(result: NeuronValidation, conventional: float | None) -> dict[str, Any]:
    """The network that was mapped against the circuit, where there is one."""
    error, worst = result.trained_rmse, result.trained_worst
    if error is None or worst is None:
        return {}
    return {
        "mapping": result.mapping,
        "bias_lines": result.programmed.bias_lines,
        "trained_output_rmse_ns": error * 1e9,
        "trained_worst_ns": worst * 1e9,
        "trained_ratio": _over(conventional, error),
    }


def _wired(result: NeuronValidation) -> dict[str, Any]:
    """The wires along a cell, and the error of the model without them, of a network that has some."""
    if result.programmed.wires is None:
        return {}
    units = {"resistance": "ohm", "capacitance": "F", "coupling": "F"}
    wires = asdict(result.programmed.wires.wires)
    return {
        "without_terms_rmse_ns": result.budget.row("unwired").output_rmse * 1e9,
        "wires": {f"{name}_{units[name.split('_')[-1]]}": value for name, value in wires.items()},
    }


def _over(larger: float | None, smaller: float) -> float | None:
    return None if larger is None or not smaller else larger / smaller


def _iris(result: IrisValidation) -> dict[str, Any]:
    trained, beside = result.trained, result.conventional
    return {
        "conventional": beside and f"trained for |E| = {beside.trained.e_plus:g}, mapped with two scales",
        "conventional_spice_seconds": beside and beside.circuit.seconds,
        "accuracy": {**result.accuracy, "trained_network": trained.test_accuracy},
        "trained_for": {
            "e_plus": trained.e_plus,
            "e_minus": trained.e_minus,
            "ramp_beta": trained.ramp_beta,
        },
    }


def neuron_figures(model: NeuronModel, fan_in: int) -> dict[str, float]:
    """What characterisation found of a neuron with ``fan_in`` inputs.

    λ (1/V) and E± at the unit current, β of the ramp, unit current (A), membrane capacitance (F),
    V_switch (V).
    """
    unit = model.unit_current(fan_in)
    e_plus, e_minus = reversal_potentials(model, unit)
    return {
        "lambda_n": 1 / (e_plus * model.threshold_voltage),
        "lambda_p": -1 / (e_minus * model.threshold_voltage),
        "e_plus": e_plus,
        "e_minus": e_minus,
        "ramp_beta": ramp_beta(model),
        "unit_current": unit,
        "membrane_capacitance": model.mean_capacitance(fan_in),
        "switch_voltage": model.switch_voltage,
    }


def _row(row: BudgetRow) -> dict[str, Any]:
    return {
        "model": row.name,
        "title": row.title,
        "hidden_rmse_ns": row.hidden_rmse * 1e9,
        "output_rmse_ns": row.output_rmse * 1e9,
        "worst_ns": row.worst * 1e9,
        **row.scales,
    }
