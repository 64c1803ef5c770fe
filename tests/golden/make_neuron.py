"""Makes ``tests/golden/neuron/``: one characterisation of the neuron; the emulator's tests need no ngspice.

Run ``python tests/golden/make_neuron.py`` (half a minute) when a netlist or bench of the neuron changes; the
folder's ``conditions.json`` says what the tables were made with. ``tests/neuron/test_neuron_network.py``
compares the model of these tables with a transient of today's circuit.
"""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

from cimspice import __version__
from cimspice.campaign.environment import Environment
from cimspice.neuron.characterisation.tables import characterise_neuron
from cimspice.neuron.circuit.circuit import NeuronCircuit
from cimspice.neuron.model.build import COLUMNS
from cimspice.pdk import Conditions, locate

FOLDER = Path(__file__).parent / "neuron"
LAYERS = (3, 2, 2)
FANS = ((3, 2), (2, 0))
CORNER, TEMPERATURE = "tt", 27.0


def make() -> None:
    circuit = NeuronCircuit()
    with tempfile.TemporaryDirectory() as scratch:
        tables = characterise_neuron(
            circuit,
            FANS,
            conditions=Conditions(CORNER, TEMPERATURE),
            store=Path(scratch) / "points.sqlite",
            progress=print,
        )
    FOLDER.mkdir(exist_ok=True)
    for name, columns in COLUMNS.items():
        path = FOLDER / f"{name}.parquet"
        tables[name][list(columns)].to_parquet(path.with_suffix(".part"), index=False, compression="zstd")
        os.replace(path.with_suffix(".part"), path)
    conditions = {
        "made_by": "python tests/golden/make_neuron.py",
        "cimspice": __version__,
        "simulator": Environment.detect().ngspice,
        "models": {"source": locate().source, "version": locate().version, "digest": locate().digest},
        "corner": CORNER,
        "temperature": TEMPERATURE,
        "layers": LAYERS,
        "fans": FANS,
        "circuit": circuit.model_dump(mode="json"),
    }
    path = FOLDER / "conditions.json"
    path.with_suffix(".part").write_text(json.dumps(conditions, indent=2) + "\n")
    os.replace(path.with_suffix(".part"), path)


if __name__ == "__main__":
    make()
