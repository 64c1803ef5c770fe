"""End to end on ngspice: a network that nobody tuned, and the trace of one of its samples."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cimspice.errors import ParameterError
from cimspice.neuron.characterisation.card import Conditions
from cimspice.neuron.model.wires import floorplan_wires
from cimspice.neuron.report.traces import model_traces
from cimspice.neuron.validation import report_of, trace_circuit, validate_iris, validate_random
from cimspice.progress import Progress

pytestmark = pytest.mark.spice

LAYERS = (3, 2, 2)


@pytest.fixture(scope="module")
def conditions() -> Conditions:
    return Conditions()


@pytest.fixture(scope="module")
def result(conditions):
    return validate_random(conditions, LAYERS, samples=2, seed=7)


def test_the_full_model_is_within_a_nanosecond_and_a_half_of_ngspice(result):
    comparison = result.comparison
    assert comparison.spiking > 0.3  # otherwise there is nothing to be wrong about
    assert comparison.output_rmse < 1.5e-9
    assert comparison.hidden_rmse < 1.5e-9
    assert comparison.decisions_agree == 1


def test_simpler_models_are_much_worse(result):
    full = result.budget.row("full").output_rmse
    assert result.budget.row("constant").output_rmse > 3 * full
    assert result.budget.row("ideal").output_rmse > 3 * full


def test_the_report_has_what_scripts_rely_on(result):
    """Errors computed here from the times of the circuit and of the emulator."""
    facts = report_of(result)
    emulated = [times for _, times in result.programmed.network()(result.spikes)]
    errors = [1e9 * (mine - other) for mine, other in zip(emulated, result.circuit.times, strict=True)]
    assert facts["output_rmse_ns"] == pytest.approx(np.sqrt(np.mean(errors[-1] ** 2)))
    assert facts["layer_rmse_ns"] == pytest.approx([np.sqrt(np.mean(layer**2)) for layer in errors])
    assert facts["worst_ns"] == pytest.approx(max(np.abs(layer).max() for layer in errors))
    ladder = {row["model"]: row["output_rmse_ns"] for row in facts["budget"]["ladder"]}
    assert facts["conventional_output_rmse_ns"] == ladder["ideal"]
    assert facts["ratio"] == pytest.approx(ladder["ideal"] / np.sqrt(np.mean(errors[-1] ** 2)))
    assert facts["samples"] == 2
    assert facts["layers"] == list(LAYERS)
    assert min(facts["spice_seconds"], facts["emulator_seconds"]) > 0
    assert facts["spice_seconds"] == result.circuit.seconds
    assert facts["provenance"]["pdk"].startswith("sky130")
    assert [row["model"] for row in facts["budget"]["ladder"]][1] == "constant"
    assert 0.39 < facts["neuron"]["lambda_n"] < 0.42
    assert 0.64 < facts["neuron"]["lambda_p"] < 0.80


def test_wires_move_spikes_as_the_model_says(conditions, result):
    """The same network, weights and inputs, with rails of 1 kΩ from one synapse to the next."""
    lines = replace(floorplan_wires(), rail_resistance=1000.0)
    wired = validate_random(conditions, LAYERS, samples=2, seed=7, wires=lines)
    moved = wired.circuit.times[-1] - result.circuit.times[-1]
    assert np.abs(moved).max() > 3e-9
    facts = report_of(wired)
    assert facts["output_rmse_ns"] < 1
    assert facts["output_rmse_ns"] < facts["without_terms_rmse_ns"] / 5
    assert facts["wires"]["rail_resistance_ohm"] == 1000
    without = {row["model"]: row["output_rmse_ns"] for row in facts["budget"]["without"]}
    assert min(without["rails"], without["lines"]) > 3 * facts["output_rmse_ns"]


def test_a_second_run_simulates_nothing_and_another_model_is_compared(conditions, result):
    states: list[Progress] = []
    again = validate_random(
        conditions, LAYERS, samples=2, seed=7, ablation="constant",
        progress=states.append,
    )  # fmt: skip
    assert Progress(2, 2, 2, stage="simulate the network in ngspice") in states
    assert not [state for state in states if state.done > state.cached]
    assert again.circuit.seconds == result.circuit.seconds
    assert all(np.array_equal(*both) for both in zip(again.circuit.times, result.circuit.times, strict=True))
    assert again.comparison.output_rmse == result.budget.row("constant").output_rmse


def test_membranes_of_model_and_circuit_lie_on_each_other(conditions, result):
    network = result.programmed.network()
    table = trace_circuit(conditions, result.programmed.programming(), result.spikes[0])
    for layer, (time, membranes) in enumerate(model_traces(network, result.spikes[0])):
        for neuron, voltage in enumerate(membranes):
            rows = table[(table["layer"] == layer + 1) & (table["neuron"] == neuron)]
            inside = (rows["time"] > layer * network.model.phase) & (
                rows["time"] < (layer + 1) * network.model.phase
            )
            wanted = np.interp(rows["time"][inside], time, voltage)
            # between two stored points of 5 ns an edge's step is not resolved
            assert np.median(np.abs(rows["membrane_voltage"][inside] - wanted)) < 0.2e-3
            assert np.abs(rows["membrane_voltage"][inside] - wanted).max() < 5e-3


def test_bad_input_is_refused_before_anything_is_simulated(conditions):
    nowhere = replace(conditions, store="/dev/null/none.sqlite")
    for call in (
        lambda: validate_iris(nowhere, samples=51),
        lambda: validate_iris(nowhere, ablation="best"),
        lambda: validate_random(nowhere, [5]),
        lambda: validate_random(nowhere, [5, 0]),
        lambda: validate_random(nowhere, [5, 2], samples=0),
        lambda: validate_random(nowhere, [5, 2], ablation="best"),
        lambda: Conditions(corner="tf"),
        lambda: Conditions(temperature=1000),
        lambda: Conditions(synapse="carbon"),  # pyright: ignore[reportArgumentType] (that is the test)
    ):
        with pytest.raises(ParameterError):
            call()
