"""Iris in the training room: folds, software, chips, and what mismatch does to transferred weights."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from sram_lines import hand_made

from cimspice.converter.model.converter import SignedConverter
from cimspice.errors import ParameterError
from cimspice.sram.emulator.learning import LearningRule
from cimspice.sram.emulator.periphery import Periphery
from cimspice.sram.model.variation import CellVariation
from cimspice.sram.training.accuracy import Lessons, compare_chips, interval
from cimspice.sram.training.chip import ChipFamily, Effects
from cimspice.sram.training.lessons import accuracy
from cimspice.training.iris_folds import iris_folds


def family(current_deviation=0.1):
    variation = CellVariation(
        mean=np.array([0.0, 0.0, 0.1, 0.1]),
        covariance=np.diag([current_deviation**2, current_deviation**2, 1e-4, 1e-4]),
    )
    lines = replace(hand_made(), variation=variation)
    converter = replace(SignedConverter.ideal(6, 0.1), offset_sigma=6e-3, noise_sigma=3e-4)
    return ChipFamily(lines, Periphery(converter=converter, column_capacitance=20e-15))


def test_folds_hold_every_flower_out_once_per_seed():
    folds = iris_folds((0, 1))
    assert folds.x_train.shape == (10, 120, 4)
    assert folds.x_test.min() >= 0
    assert folds.x_test.max() <= 15
    assert np.array_equal(np.sort(folds.y_test[:5].ravel()), np.repeat([0, 1, 2], 50))
    for wrong in ({"seeds": ()}, {"folds": 4}):
        with pytest.raises(ParameterError, match="folds"):
            iris_folds(**wrong)


def test_chips_that_learn_absorb_what_transferred_weights_suffer_from():
    lessons = Lessons(epochs=15, decay=0.87)
    chips = compare_chips(family(), lessons, chips=40)
    facts = chips.facts()
    assert facts["software"]["mean_percent"] > 94
    assert facts["on_chip"]["mean_percent"] > 90
    assert facts["on_chip"]["interval_percent"][0] > 0  # learnt minus transferred, paired by chip
    assert facts["transferred"]["interval_percent"][1] < 0


def test_without_any_effect_words_of_8_bits_learn_as_software_does():
    lessons = Lessons(epochs=15, decay=0.87, seeds=(0, 1))
    splits = lessons.splits()
    software = accuracy(lessons.in_software(splits), splits).mean()
    on_chip = accuracy(lessons.on_chip(family(), splits, effects=Effects.none()), splits).mean()
    assert on_chip == pytest.approx(software, abs=0.03)


def test_hidden_neurons_that_are_stuck_come_back_and_the_network_learns():
    """In software, where nothing else is in the way: which are the same for every flower."""
    stuck, right = {}, {}
    for period in (0, 20):
        lessons = Lessons(sizes=(4, 6, 3), rule=LearningRule(stuck_period=period))
        splits = lessons.splits()
        network = lessons.in_software(splits)
        hidden = network.forward(splits.x_train)[1][0][..., :-1]
        stuck[period] = (np.ptp(hidden, axis=1) == 0).mean()
        right[period] = accuracy(network, splits)
    assert stuck[0] > 0.1
    assert stuck[20] < 0.02
    assert right[20].mean() > 0.94


def test_capacitors_differ_only_when_asked_for_and_leave_all_else_as_it_was():
    whole = family()
    made = replace(whole, periphery=replace(whole.periphery, capacitor_sigma=1.5e-3))
    inputs = np.full((2, 1, 4), 9)

    def layer(effects):
        network = made.network(2, (4, 3), seed=0, effects=effects)
        return network.layers[0].spread, network.forward(inputs).rails[0]

    (before, plain), (after, moved) = layer(None), layer(Effects(capacitors=True))
    assert np.array_equal(before.shares, np.ones_like(before.shares))
    assert np.array_equal(plain, whole.network(2, (4, 3), seed=0).forward(inputs).rails[0])
    assert np.array_equal(before.offset, after.offset)
    spread = np.sum((after.shares - 1) ** 2) / 1.5e-3**2
    low, high = stats.chi2.interval(0.999, after.shares.size)
    assert low < spread < high
    assert 0 < np.abs(moved - plain).max() < 0.02 * np.abs(plain).max()


def test_the_same_seed_gives_the_same_chips_and_another_seed_others():
    made = family()
    one, same, other = (made.network(2, (4, 3), seed=seed) for seed in (0, 0, 1))
    inputs = np.full((2, 1, 4), 9)
    rails = [network.forward(inputs).rails[0] for network in (one, same, other)]
    assert np.array_equal(rails[0], rails[1])
    assert not np.allclose(rails[0], rails[2])


def test_the_interval_of_a_mean_holds_the_mean_as_often_as_it_says():
    rng = np.random.default_rng(0)
    inside = [low <= 1.0 <= high for low, _, high in (interval(rng.normal(1, 2, 12)) for _ in range(2000))]
    assert np.mean(inside) == pytest.approx(0.95, abs=0.015)
