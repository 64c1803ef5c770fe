"""What tests of several parts share."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pandas as pd
import pytest

from cimspice.models.neuron.build import COLUMNS, neuron_model
from cimspice.models.neuron.neuron import NeuronModel

# Started in the background by a shell, Python ignores Ctrl-C, and so would the programs under test.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

GOLDEN_NEURON = Path(__file__).parent / "golden" / "neuron"


@pytest.fixture(scope="session")
def neuron_tables() -> dict[str, pd.DataFrame]:
    """Tables of the stored characterisation (``tests/golden/make_neuron.py``). Not to be changed in place."""
    return {name: pd.read_parquet(GOLDEN_NEURON / f"{name}.parquet") for name in COLUMNS}


@pytest.fixture(scope="session")
def neuron(neuron_tables) -> NeuronModel:
    """Model of the stored characterisation: tt, 27 degrees, a network 3-2-2."""
    circuit = json.loads((GOLDEN_NEURON / "conditions.json").read_text())["circuit"]
    return neuron_model(neuron_tables, phase=circuit["phase"], rest_voltage=circuit["rest_voltage"])
