"""Digits as inputs of the array: codes in range, each held out once, and a task that needs a hidden layer."""

from __future__ import annotations

import numpy as np
import pytest

from cimspice.errors import ParameterError
from cimspice.sram.training.lessons import accuracy, learn
from cimspice.sram.training.software import SoftwareNetwork
from cimspice.training.digits_folds import digits_folds


def test_inputs_are_codes_and_parts_are_balanced_and_alike_for_both_tasks():
    folds, halves = digits_folds(), digits_folds(halves=True)
    assert folds.x_train.shape == (5, 1437, 12)
    assert folds.x_test.shape == (5, 359, 12)
    assert folds.x_train.min() == 0
    assert folds.x_train.max() == 15
    counts = [np.bincount(labels, minlength=10) for labels in folds.y_test]
    assert np.min(counts) > 30
    assert np.array_equal(folds.x_train, halves.x_train)
    assert np.array_equal(halves.y_test, folds.y_test >= 5)
    for wrong in ({"seeds": ()}, {"folds": 1}):
        with pytest.raises(ParameterError, match="folds"):
            digits_folds(**wrong)


def test_only_a_hidden_layer_separates_low_digits_from_high_ones():
    splits, right = digits_folds(halves=True), {}
    for sizes in ((12, 2), (12, 15, 2)):
        network = SoftwareNetwork.drawn(len(splits), sizes, np.random.default_rng(0))
        learn(network, splits, epochs=2, seed=0, decay=0.5)
        right[len(sizes)] = accuracy(network, splits).mean()
    assert right[2] < 0.75
    assert right[3] > 0.85
