"""Cards of the neuron keep corner and temperature; provenance of another one is refused."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from emulator.neuron_layers import synthetic

from cimspice.errors import ParameterError
from cimspice.models.neuron.card import load_neuron, save_neuron


def test_a_card_knows_its_corner_and_temperature(tmp_path):
    save, load = save_neuron, load_neuron
    slow = replace(synthetic(), corner="ss", temperature=85.0)
    path = save(slow, tmp_path / "slow.json", {})
    assert (load(path)[0].corner, load(path)[0].temperature) == ("ss", 85.0)
    with pytest.raises(ParameterError, match="model ss, provenance tt"):
        save(slow, tmp_path / "mixed.json", {"corner": "tt"})
    assert not (tmp_path / "mixed.json").exists()
    card = json.loads(path.read_text())
    for wrong in ({"temperature": 27.0}, {"corner": ["ss"]}):
        path.write_text(json.dumps(card | {"provenance": wrong}))
        with pytest.raises(ParameterError, match="different"):
            load(path)
    for name in ("corner", "temperature"):  # a card from before the model had them
        del card["model"][name]
    path.write_text(json.dumps(card | {"provenance": {"corner": "ff", "temperature": -40.0}}))
    assert (load(path)[0].corner, load(path)[0].temperature) == ("ff", -40.0)
