"""Read currents of the 6T cell are those of an independent measurement, and one cell's in both benches."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cimspice.bench import bench
from cimspice.campaign import parse_specification, run_campaign
from cimspice.campaign.store import Store
from cimspice.spice import simulate
from cimspice.sram.circuit.read_current import ReadCurrentParameters, ReadCurveParameters

pytestmark = pytest.mark.spice


def _curve(**given) -> pd.DataFrame:
    curve, parameters = bench("sram_read_curve"), ReadCurveParameters(**given)
    waveforms = simulate(
        curve.netlist(parameters), curve.analysis(parameters), options=curve.options(parameters)
    )
    return curve.measure(parameters, waveforms)


@pytest.mark.parametrize(
    ("corner", "temperature", "microamperes"),
    [("tt", 27, 47.7), ("ss", 27, 32.4), ("ff", 27, 62.0), ("sf", 27, 69.0), ("fs", 27, 29.2),
     ("tt", -40, 54.7), ("tt", 125, 40.0)],
)  # fmt: skip
def test_read_current_of_the_cell(corner, temperature, microamperes):
    """Reference: an earlier measurement with another netlist, rounded to 0.1 uA."""
    read, parameters = bench("sram_read_current"), ReadCurrentParameters()
    row = read.measure(
        parameters,
        simulate(read.netlist(parameters), read.analysis(parameters), corner=corner, temperature=temperature),
    ).iloc[0]
    assert row["bit_line_current"] * 1e6 == pytest.approx(microamperes, abs=0.06)


def test_the_curve_over_the_bit_line_falls_as_measured_before():
    """Reference: as above."""
    curve = _curve().set_index("bit_line_voltage")
    known = {1.8: 47.7, 1.4: 46.4, 1.0: 44.6, 0.8: 42.9, 0.6: 39.0, 0.4: 31.0}
    measured = curve["bit_line_current"][list(known)] * 1e6
    np.testing.assert_allclose(measured, list(known.values()), atol=0.06)
    assert abs(curve["bit_line_current"].iloc[-1]) < 1e-9  # both ends at ground: nothing flows


def test_the_side_that_stores_one_feeds_back_and_flips_at_the_trip_voltage():
    """Reference: 0.98 uA fed back at 1.0 V, trip at 0.820 V."""
    curve = _curve(swept="bit_line_bar", intervals=360).set_index("bit_line_bar_voltage")
    assert curve["bit_line_bar_current"][1.0] * 1e6 == pytest.approx(-0.98, abs=0.01)
    flipped = curve.index[curve["cell_node_voltage"] > 0.9]
    assert flipped.max() == pytest.approx(0.820, abs=0.011)


def test_held_and_swept_bit_line_give_one_current_for_each_mismatch_sample(tmp_path):
    """The samples are the same cells, and a point does not depend on what was loaded before it."""
    voltages = [1.8, 1.2, 0.6]
    common = {"monte_carlo": {"samples": 3, "seed": 4}}
    sweep = {"corners": ["tt", "sf"], "temperatures": [85]}
    held = {"campaign": {"bench": "sram_read_current"}, "sweep": {"bit_line_voltage": voltages, **sweep}}
    swept = {
        "campaign": {"bench": "sram_read_curve"},
        "parameters": {"stop_voltage": 0.6, "intervals": 2},
        "sweep": sweep,
    }
    keys = ["corner", "sample", "bit_line_voltage"]
    with Store(tmp_path / "points.sqlite") as store:
        tables = [
            run_campaign(parse_specification({**raw, **common}), store=store, workers=1).table
            for raw in (held, swept)
        ]
    one, other = (table.sort_values(keys)["bit_line_current"].to_numpy() for table in tables)
    np.testing.assert_allclose(one, other, rtol=1e-6)
    assert tables[0]["bit_line_current"].nunique() == 18
