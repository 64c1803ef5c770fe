"""Bands: draws against closed forms, correlated, of Student's distribution, and within what a model takes."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from cimspice.errors import ParameterError
from cimspice.fit.bands import Band, card_draws, parameter_draws, table_draws, why_not_counted
from cimspice.fit.card import ModelCard
from cimspice.fit.repeats import MeanNoise, mean_noise
from cimspice.rram.model.read import LinearRead, SinhRead


def rng() -> np.random.Generator:
    return np.random.default_rng(1)


def test_the_interval_of_a_linear_output_is_students_with_correlated_parameters():
    covariance = np.array([[4.0, -1.8], [-1.8, 1.0]])
    slope, count = np.array([1.0, 2.0]), 19_999
    draws = parameter_draws(lambda p: slope @ p, np.array([3.0, 1.0]), covariance, 5, rng(), count)
    low, high = Band(np.array(5.0), draws, (), {}).interval
    half = stats.t.ppf(0.975, 5) * np.sqrt(slope @ covariance @ slope)
    # standard deviation of a quantile of that many draws: 1.5 % of the half width
    assert (low, high) == pytest.approx((5 - half, 5 + half), abs=float(0.06 * half))


def test_a_combination_that_is_known_stays_known_where_its_parameters_are_not():
    """p·q is known to 1 %, p and q only to a factor of 20; far from where the fit ended a product of draws is
    anything."""
    values = np.array([2.0, 3.0])
    across, along = np.array([3.0, 2.0]) / np.sqrt(13), np.array([2.0, -3.0]) / np.sqrt(13)
    covariance = 0.02**2 * np.outer(across, across) + 40.0**2 * np.outer(along, along)
    draws = parameter_draws(lambda p: p[0] * p[1], values, covariance, 10**6, rng(), 1999)
    assert Band(np.array(6.0), draws, (), {}).half_width == pytest.approx(1.96 * 0.02 * np.sqrt(13), rel=0.1)


def test_a_model_is_never_asked_beyond_what_it_takes_and_held_parameters_stay():
    asked = []

    def emulate(p):
        if p[0] < 0:
            raise ParameterError("negative")
        asked.append(p)
        return 2.0 * p[0] + p[1]

    draws = parameter_draws(emulate, np.array([0.0, 7.0]), np.diag([1.0, 0.0]), 10**6, rng(), 1999)
    assert all(p[0] >= 0 and p[1] == 7.0 for p in asked)
    assert Band(np.array(7.0), draws, (), {}).half_width == pytest.approx(2 * 1.96, rel=0.1)


def test_entries_of_a_table_are_drawn_apart_and_tables_with_their_own_freedom():
    deviation = np.full((2, 8), 0.5)
    draws = table_draws(
        lambda one, other: one.sum() + other.sum(), [(deviation, 10**6), (deviation, 3)], rng(), 3999
    )
    one, other = 0.5 * 4 * rng().standard_normal((2, 400_000))
    expected = np.quantile(one + other * np.sqrt(3 / rng().chisquare(3, 400_000)), 0.975)
    assert Band(np.array(0.0), draws, (), {}).half_width == pytest.approx(expected, rel=0.1)


def test_the_interval_of_39_draws_reaches_from_the_smallest_to_the_largest():
    band = Band(np.array(1.0), np.arange(39.0)[::-1], (), {})
    assert band.interval == (1.0, 39.0)


def noisy(law, volts, share=0.01, seed=3) -> pd.DataFrame:
    current = law.current(volts)
    noise = share * np.abs(current).max() * np.random.default_rng(seed).standard_normal(volts.size)
    return pd.DataFrame({"voltage": volts, "current": current + noise})


def test_a_cards_interval_of_a_current_is_that_of_a_straight_line():
    volts = np.linspace(-1, 1, 9)
    table = noisy(LinearRead(conductance=5e-5), volts)
    fit = LinearRead.fit(table)
    card = ModelCard.from_fit(fit)
    assert card.freedom == 8
    draws = card_draws(card, lambda law: law.current(0.5), rng(), 9999)
    left = table["current"].to_numpy() - fit.model.current(volts)
    half = stats.t.ppf(0.975, 8) * 0.5 * np.sqrt((left**2).sum() / 8 / (volts**2).sum())
    assert Band(np.array(0.0), draws, (), {}).half_width == pytest.approx(half, rel=0.08)


def test_a_card_of_an_earlier_version_counts_observations_less_parameters(tmp_path):
    fit = SinhRead.fit(
        noisy(SinhRead(conductance=5e-5, curvature=3.0, series_resistance=2e3), np.linspace(-1, 1, 41))
    )
    card = ModelCard.from_fit(fit).model_copy(update={"degrees_of_freedom": None})
    card.save(tmp_path / "old.json")
    text = (tmp_path / "old.json").read_text().replace('  "degrees_of_freedom": null,\n', "")
    assert "degrees_of_freedom" not in text
    (tmp_path / "old.json").write_text(text)
    assert ModelCard.load(tmp_path / "old.json").freedom == 38


def test_a_card_says_why_it_gives_no_band():
    law = LinearRead(conductance=5e-5)
    assert why_not_counted(ModelCard.from_model(law)) == "the card has no covariance"
    fit = LinearRead.fit(pd.DataFrame({"voltage": [1.0], "current": [5e-5]}))
    assert "as many parameters as observations" in why_not_counted(ModelCard.from_fit(fit))
    with pytest.raises(ParameterError, match="as many parameters"):
        card_draws(ModelCard.from_fit(fit), lambda model: np.zeros(1), rng())


@pytest.mark.parametrize("relative", [True, False])
def test_the_noise_of_means_is_relative_or_absolute_whichever_is_more_probable(relative):
    levels, count = np.array([1.0, 10.0, 100.0]), 400
    deviation = 0.02 * (levels if relative else np.ones(3))
    readings = levels + deviation * rng().standard_normal((count, 3))
    table = pd.DataFrame({"voltage": np.tile(levels, count), "current": readings.ravel()})
    known = mean_noise(table, ["voltage"], "current")
    assert known is not None
    found, freedom = known
    assert freedom == 3 * (count - 1)
    # a standard deviation from 1197 degrees of freedom is known to 2 %: four of them
    assert found.to_numpy() == pytest.approx(deviation / levels / np.sqrt(count), rel=0.08)


def test_readings_that_are_not_repeated_say_no_noise():
    assert (
        mean_noise(pd.DataFrame({"voltage": [1.0, 2.0], "current": [1.0, 2.0]}), ["voltage"], "current")
        is None
    )


@pytest.mark.parametrize(
    "wrong", [{"deviation": [-1.0, 0.1]}, {"deviation": [0.1]}, {"degrees_of_freedom": 0}], ids=str
)
def test_a_noise_that_is_none_is_refused(wrong):
    given: dict[str, Any] = {"voltage": [0.0, 1.0], "deviation": [0.1, 0.1], "degrees_of_freedom": 4}
    with pytest.raises(ParameterError):
        MeanNoise(**(given | wrong))
