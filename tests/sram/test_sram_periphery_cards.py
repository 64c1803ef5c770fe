"""The cards of the array's peripheral circuits carry what their fits know."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cimspice.converter.model.converter import SignedConverter
from cimspice.fit import ModelCard
from cimspice.sram.model.charge_sharing import ChargeSharing
from cimspice.sram.model.line_sampling import fit_line_sampling
from cimspice.sram.model.multiplier import ChargeMultiplier
from cimspice.sram.model.readout_loads import fit_readout_loads
from cimspice.sram.model.write_back import WriteBack
from cimspice.sram.validation.periphery import FailedPointsWarning, Periphery, packaged_table


def test_fitted_blocks_have_intervals_ranges_residual_and_conditions_on_their_cards(tmp_path):
    difference = np.array([-0.3, -0.1, 0.1, 0.3])
    sampling = fit_line_sampling(
        pd.DataFrame({
            "bit_line_discharge": -np.minimum(difference, 0),
            "bit_line_bar_discharge": np.maximum(difference, 0),
            "sampled_difference": 0.8 * difference - 2e-4 + 1e-5 * np.array([1, -1, -1, 1]),
        })
    )  # fmt: skip
    loads = fit_readout_loads(
        pd.DataFrame({
            "line_discharge": [0.1, 0.3],
            "rail_discharge": [0.05, 0.15],
            "line_capacitance": [7.4e-15, 7.0e-15],
            "rail_capacitance": [88.7e-15, 88.5e-15],
        })
    )  # fmt: skip
    periphery = Periphery(
        ChargeMultiplier.ideal(4),
        ChargeSharing(load_ratio=1.8),
        SignedConverter.ideal(6),
        WriteBack.ideal(),
        sampling.model,
        loads.model,
        {fit.model.kind: fit for fit in (sampling, loads)},
    )
    cards = {path.stem: ModelCard.load(path) for path in periphery.save(tmp_path)}
    assert len(cards) == 6
    for kind, fit in (("sram_line_sampling", sampling), ("sram_readout_loads", loads)):
        card = cards[kind]
        assert card.model() == fit.model
        for record in card.parameters.values():
            assert record.interval is not None
            assert record.interval[0] < record.value < record.interval[1]
        assert card.ranges
        assert card.residual is not None
        assert card.residual.maximum == pytest.approx(fit.residual.maximum)
        assert (card.provenance["corner"], card.provenance["temperature"]) == ("tt", 27.0)
    assert cards["sram_write_back"].residual is None


@pytest.mark.spice
def test_points_that_fail_are_reported_where_a_table_lacks_them(tmp_path):
    overrides = ["gate_voltage=[1.8]", "corners=['tt']", "length=[0.25e-6, 0.01e-6]"]
    with pytest.warns(FailedPointsWarning, match="1 of 2 points of transistor_iv failed"):
        table = packaged_table("transistor_iv", overrides, workers=1, store=tmp_path / "points.sqlite")
    assert set(table["length"]) == {0.25e-6}
