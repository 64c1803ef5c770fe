from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from cimspice.neuron.characterisation.card import Conditions
from cimspice.neuron.emulator.network import NeuronNetwork
from cimspice.neuron.mapping import map_layer
from cimspice.neuron.model.card import neuron_card
from cimspice.neuron.report.budget import draw_budget
from cimspice.neuron.report.spikes import draw_spikes
from cimspice.neuron.report.traces import draw_traces, model_traces
from cimspice.neuron.validation import CircuitRun, NeuronValidation
from cimspice.neuron.validation.budget import error_budget
from cimspice.neuron.validation.mapped import Programmed
from cimspice.neuron.validation.network import layer_bands
from cimspice.neuron.validation.report import report_of

SPIKES = np.array([[0.1, 0.4, 0.3], [0.6, 0.2, 1.0]])


@pytest.fixture(scope="module")
def validation(neuron) -> NeuronValidation:
    """A validation without ngspice: the circuit is the model, 0.1 ns late."""
    weights = np.array([[0.7, 0.5, -0.2], [0.2, 0.9, 0.1]]), np.array([[0.8, 0.3], [-0.4, 0.9]])
    mapped = Programmed(neuron, tuple(map_layer(neuron, layer) for layer in weights))
    results = mapped.network()(SPIKES)
    times = tuple(np.minimum(times + 0.1e-9, neuron.phase) for _, times in results)
    run = CircuitRun(times, tuple(voltage for voltage, _ in results), 1.0)
    budget = error_budget(mapped.network(), SPIKES, times, SPIKES)
    comparison = budget.row("full").comparison
    bands = layer_bands(mapped, neuron_card(neuron), budget.row("full"), SPIKES)
    return NeuronValidation(
        Conditions(), neuron, mapped, SPIKES, run, comparison, "full", budget, 0.01, bands
    )


def traces(network: NeuronNetwork) -> pd.DataFrame:
    frames = [
        pd.DataFrame({"layer": layer, "neuron": neuron, "time": time, "membrane_voltage": voltage})
        for layer, (time, membranes) in enumerate(model_traces(network, SPIKES[0]), 1)
        for neuron, voltage in enumerate(membranes)
    ]
    return pd.concat(frames, ignore_index=True)


def test_figures_are_whole_images_under_their_names(validation, tmp_path):
    network = validation.programmed.network()
    files = [
        *draw_budget(validation.budget, tmp_path),
        *draw_spikes(validation, tmp_path),
        *draw_traces(network, SPIKES[0], traces(network), tmp_path),
    ]
    names = {
        f"{name}.{kind}" for name in ("error_budget", "spike_times", "membranes") for kind in ("png", "svg")
    }
    assert {path.name for path in files} == names == {path.name for path in tmp_path.iterdir()}
    for path in files:
        if path.suffix == ".png":
            with Image.open(path) as image:
                image.load()
                assert min(image.size) > 500
        else:
            text = path.read_text(encoding="utf-8")
            assert "(ns)" in text or "(V)" in text


def test_a_models_traces_go_from_rest_to_the_comparators_threshold(validation):
    network = validation.programmed.network()
    for layer, ((time, membranes), (voltage, outputs)) in enumerate(
        zip(model_traces(network, SPIKES[0]), network(SPIKES[:1]), strict=True)
    ):
        phase = network.model.phase
        rest = network.model.rest_voltage
        assert time[0] == layer * phase
        assert np.all(np.diff(time) >= 0)
        assert membranes[:, 0] == pytest.approx(rest, abs=5e-3)
        end = int(np.argmin(np.abs(time - (layer + 1) * phase)))
        assert membranes[:, end] == pytest.approx(voltage[0], abs=1e-9)
        for trace, output in zip(membranes, outputs[0], strict=True):
            last = time[~np.isnan(trace)][-1] - (layer + 1) * phase
            # the last of 200 points a phase before the spike; no ramp is drawn where there is no spike
            assert last == pytest.approx(output if output < phase else 0.0, abs=phase / 200)
            if output < phase:
                switch = network.layers[layer].readout.switch_voltage
                assert trace[~np.isnan(trace)][-1] == pytest.approx(switch, abs=0.01)


def test_a_validation_shows_itself_in_a_notebook(validation):
    text = validation._repr_html_()
    assert "<td>output rmse ns</td><td>0.1</td>" in text
    assert "<td>full</td>" in text  # the ladder
    assert "data:image/png;base64," in text


def test_the_facts_of_a_validation_are_on_the_page_of_keys(validation):
    text = (Path(__file__).parents[2] / "docs" / "json.md").read_text("utf-8")
    assert [key for key in report_of(validation) if f"`{key}`" not in text] == []
