"""The inverter's transfer curve falls from rail to rail, and follows its transistors' widths."""

from __future__ import annotations

import numpy as np
import pytest

from cimspice.bench import bench
from cimspice.bench.inverter import InverterParameters
from cimspice.spice import simulate

pytestmark = pytest.mark.spice


def switching_voltage(**values: float) -> float:
    inverter = bench("inverter")
    parameters = InverterParameters(**values)
    waveforms = simulate(inverter.netlist(parameters), inverter.analysis(parameters))
    table = inverter.measure(parameters, waveforms)
    assert np.all(np.diff(table["output_voltage"]) <= 1e-9)
    assert table["output_voltage"].iloc[0] == pytest.approx(parameters.supply_voltage, abs=1e-3)
    assert table["output_voltage"].iloc[-1] == pytest.approx(0.0, abs=1e-3)
    return waveforms.crossing("output", parameters.supply_voltage / 2)


def test_a_wider_pull_up_raises_the_switching_voltage():
    assert switching_voltage(pull_up_width=4e-6) > switching_voltage(pull_up_width=1e-6) + 0.02


def test_the_sweep_follows_the_supply():
    assert switching_voltage(supply_voltage=1.2) == pytest.approx(0.6, abs=0.1)
