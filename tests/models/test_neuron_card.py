"""The neuron's card: what is written is read back to the last bit, and what is no card is refused."""

from __future__ import annotations

import json

import numpy as np
import pytest

from cimspice.emulator.neuron_layer import NeuronLayer
from cimspice.errors import CimspiceError, ParameterError
from cimspice.models.neuron.card import load_neuron, save_neuron
from cimspice.models.neuron.neuron import NeuronModel


@pytest.fixture(scope="module")
def card(neuron: NeuronModel, tmp_path_factory: pytest.TempPathFactory):
    return save_neuron(neuron, tmp_path_factory.mktemp("card") / "neuron.json", {"corner": "tt"})


def test_model_read_back_gives_the_same_spikes_to_the_last_bit(neuron: NeuronModel, card) -> None:
    read, provenance = load_neuron(card)
    assert provenance == {"corner": "tt"}
    (fan_in, fan_out) = next(iter(neuron.readouts))
    neurons = next(iter(neuron.edges))
    rng = np.random.default_rng(1)
    polarity = rng.choice([-1, 1], (neurons, fan_in))
    biases = {name: synapse.current.program for name, synapse in neuron.synapses.items()}
    program = np.where(polarity > 0, biases["n"][len(biases["n"]) // 2], biases["p"][len(biases["p"]) // 2])
    times = rng.random((4, fan_in)) * neuron.phase
    before = NeuronLayer(neuron, polarity, program, fan_out)(times)
    after = NeuronLayer(read, polarity, program, fan_out)(times)
    np.testing.assert_array_equal(after[0], before[0])
    np.testing.assert_array_equal(after[1], before[1])


@pytest.mark.parametrize(
    "damage",
    [
        lambda card: card.update(schema="cimspice.neuron-card/99"),
        lambda card: card["model"].update(kind="Popen"),
        lambda card: card["model"].pop("phase"),
        lambda card: card["model"]["synapses"]["map"][0][1]["current"]["values"]["array"].pop(),
        lambda card: card.pop("provenance"),
    ],
)
def test_damaged_card_is_refused_with_its_path(card, tmp_path, damage) -> None:
    content = json.loads(card.read_text())
    damage(content)
    bad = tmp_path / "bad.json"
    bad.write_text(json.dumps(content))
    with pytest.raises(CimspiceError) as error:
        load_neuron(bad)
    assert error.value.place


@pytest.mark.parametrize("text", ["", "[]", "{", '{"schema": NaN}', "null"])
def test_file_that_is_no_card_is_refused(tmp_path, text: str) -> None:
    bad = tmp_path / "bad.json"
    bad.write_text(text)
    with pytest.raises(ParameterError):
        load_neuron(bad)


def test_card_that_cannot_be_written_leaves_nothing_behind(neuron: NeuronModel, tmp_path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CimspiceError, match="cannot write"):
        save_neuron(neuron, tmp_path / "file" / "neuron.json")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
