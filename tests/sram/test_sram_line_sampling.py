"""Bit lines sampled by a converter: the fit against known charge sharing, its card, its range."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cimspice.errors import FitError
from cimspice.fit import ModelCard, ModelRangeWarning
from cimspice.sram.model.line_sampling import LineSampling, fit_line_sampling

LINE, PLATES, PUSHED = 320e-15, 80e-15, 0.1e-15  # F, F, C


def shared(difference: np.ndarray) -> np.ndarray:
    """Difference (V) of lines that share their charge with plates which were at the supply."""
    return (LINE * difference - PUSHED) / (LINE + PLATES)


def sampled(difference: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame({
        "bit_line_discharge": np.maximum(-difference, 0),
        "bit_line_bar_discharge": np.maximum(difference, 0),
        "sampled_difference": shared(difference),
    })  # fmt: skip


def test_the_fit_finds_what_charge_conservation_leaves_and_adds():
    fit = fit_line_sampling(sampled(np.array([-0.3, -0.1, 0.05, 0.2])))
    assert fit.model.attenuation == pytest.approx(0.8)
    assert fit.model.offset == pytest.approx(-0.25e-3)
    volts = np.linspace(-0.3, 0.2, 7).reshape(7, 1)
    assert fit.model(volts) == pytest.approx(shared(volts))


def test_a_card_keeps_the_intervals_and_the_range_outside_which_the_model_warns(tmp_path):
    table = sampled(np.array([-0.3, -0.1, 0.05, 0.2]))
    table["sampled_difference"] += [1e-5, -1e-5, -1e-5, 1e-5]
    fit = fit_line_sampling(table)
    ModelCard.from_fit(fit, {"corner": "ss"}).save(tmp_path / "card.json")
    card = ModelCard.load(tmp_path / "card.json")
    low, high = card.parameters["attenuation"].interval or (0, 0)
    assert low < 0.8 < high < 0.802
    assert card.provenance["corner"] == "ss"
    model = card.model_of(LineSampling)
    assert model == fit.model
    with pytest.warns(ModelRangeWarning, match="difference"):
        model(0.5)


def test_one_read_is_not_enough_for_two_numbers():
    with pytest.raises(FitError, match="1 observations cannot determine 2 parameters"):
        fit_line_sampling(sampled(np.array([-0.3])))
