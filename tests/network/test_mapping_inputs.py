"""Mapping and training refuse what does not fit, with remedy; nothing of it becomes a plausible number."""

from __future__ import annotations

import numpy as np
import pytest
from neuron.neuron_layers import synthetic

from cimspice.arrays import ClippedWarning
from cimspice.crossbar.mapping.conductances import ConductanceRange, MappedWeights, map_weights
from cimspice.crossbar.mapping.tiles import Tiling
from cimspice.crossbar.programming.bit_sliced_crossbars import Crossbars
from cimspice.crossbar.programming.bit_slices import BitSlices, gray_rank, quantise
from cimspice.crossbar.programming.section_order import schedule
from cimspice.crossbar.programming.sections import cut, restore
from cimspice.crossbar.programming.write_choice import LargestFirst, NearestValue, RandomStucking
from cimspice.errors import CimspiceError
from cimspice.neuron.mapping import map_layer, realised_weights
from cimspice.neuron.training import Objective, Schedule, initial_weights, train
from cimspice.sram.mapping.format import WordFormat, stochastic_rounding
from cimspice.sram.mapping.pulses import compensated_codes, power_codes
from cimspice.sram.mapping.words import row_codes, store_words, stored_words
from cimspice.sram.training.software import SoftwareNetwork
from cimspice.training.datasets import iris

NAN, INF = np.nan, np.inf
W = np.array([[0.5, -0.2], [0.1, 0.4]])
OBJECTIVE, SCHEDULE = Objective(2.8, -1.5), Schedule(1, 2, 0.1)


def trained(times=((0.1, 0.2), (0.3, 0.4)), labels=(0, 1), weights=None):
    weights = [W.copy()] if weights is None else weights
    return train(weights, np.array(times), np.array(labels), OBJECTIVE, SCHEDULE, np.random.default_rng(0))


def software(labels, inputs=((1, 2),)):
    network = SoftwareNetwork([np.zeros((1, 2, 3))])
    network.step(np.array(inputs), np.array(labels))


REFUSED = {
    "levels 2.5": lambda: ConductanceRange(levels=2.5),
    "levels True": lambda: ConductanceRange(levels=True),
    "low as text": lambda: ConductanceRange(low="2e-6"),
    "nearest of nan": lambda: ConductanceRange().nearest(np.array([NAN])),
    "complex weights": lambda: map_weights(W + 0j, ConductanceRange()),
    "cells nan": lambda: MappedWeights(np.full((2, 2), NAN), 1.0),
    "an odd number of columns": lambda: MappedWeights(np.ones((2, 3)), 1.0),
    "tiles of 2.5 rows": lambda: Tiling(4, 4, 2.5, 2),
    "voltages with a surplus column": lambda: list(Tiling(4, 4).inputs(np.ones((1, 5)))),
    "currents of a tile too few": lambda: Tiling(4, 4, 2, 2).summed([np.ones((1, 2))]),
    "currents of one column": lambda: Tiling(4, 4).summed([np.ones((3, 1))]),
    "scale nan": lambda: map_layer(synthetic(), W, scale_plus=NAN),
    "scale inf": lambda: map_layer(synthetic(), W, scale_minus=INF),
    "scale 0": lambda: map_layer(synthetic(), W, scale_plus=0.0),
    "scale below 0": lambda: map_layer(synthetic(), W, scale_plus=-1.0),
    "weights of no input": lambda: map_layer(synthetic(), np.zeros((2, 0))),
    "polarity 2": lambda: realised_weights(synthetic(), np.full((1, 1), 2), np.zeros((1, 1))),
    "program nan": lambda: realised_weights(synthetic(), np.ones((1, 1)), np.full((1, 1), NAN)),
    "2.5 bits": lambda: BitSlices(2.5),
    "True bits": lambda: BitSlices(True),
    "level 0.5": lambda: BitSlices(4).words([0.5]),
    "level nan": lambda: BitSlices(4).words([NAN]),
    "word beyond the columns": lambda: BitSlices(4).levels([32]),
    "word -1": lambda: BitSlices(4).levels([-1]),
    "quantise to 0 bits": lambda: quantise(W, 0),
    "quantise complex": lambda: quantise(W + 0j, 4),
    "gray of a word beyond": lambda: gray_rank([16], 4),
    "sections of 2.5 rows": lambda: cut(np.array([[1, 2]]), BitSlices(4), 2.5),
    "sections of fractions": lambda: cut(np.array([[0.5, 2]]), BitSlices(4), 2),
    "sections of a vector": lambda: cut(np.array([1, 2]), BitSlices(4), 2),
    "an unknown scope": lambda: cut(np.array([[1, 2]]), BitSlices(4), 2, scope="chip"),
    "sections that leave a weight out": lambda: restore(np.array([[1, 2]]), np.array([[0, -1]]), (1, 2)),
    "a weight in two rows": lambda: restore(np.array([[1, 2]]), np.array([[0, 0]]), (1, 2)),
    "no crossbars": lambda: schedule(cut(np.array([[1, 2]]), BitSlices(4), 2), 0),
    "crossbars of 1.5 rows": lambda: Crossbars(1, 1.5, 4),
    "crossbars of 17 columns": lambda: Crossbars(1, 2, 17),
    "faults of another shape": lambda: Crossbars(1, 2, 4, faulty=[[1]], fault_value=[[1]]),
    "faults without values": lambda: Crossbars(1, 2, 4, faulty=np.ones((1, 2), int)),
    "1.5 stuck columns": lambda: RandomStucking(1.5, 0.5),
    "fraction nan": lambda: LargestFirst(1, NAN),
    "price nan": lambda: NearestValue(BitSlices(4), NAN),
    "word format of 2.5 bits": lambda: WordFormat(2.5, 1),
    "weights inf": lambda: WordFormat().words([INF]),
    "words as text": lambda: WordFormat().values(["1"]),
    "bits 2": lambda: WordFormat(1, 1).from_bits(np.array([[2]])),
    "rounding nan": lambda: stochastic_rounding(np.array([NAN]), np.random.default_rng(0)),
    "words of 2.5 bits": lambda: store_words([1], 2.5),
    "stored words of 0 bits": lambda: stored_words([1, 0], 0),
    "opened nan": lambda: row_codes([NAN], 2, largest_code=15),
    "factors 1.5": lambda: power_codes(2, 15, factors=1.5),
    "widths nan": lambda: compensated_codes(np.array([1.0, NAN]), 1),
    "widths that fall": lambda: compensated_codes(np.array([2.0, 1.0]), 1),
    "e_plus nan": lambda: Objective(NAN, -1.5),
    "e_minus above 0": lambda: Objective(2.8, 1.5),
    "temperature of the softmax 0": lambda: Objective(2.8, -1.5, temperature=0.0),
    "learning rate nan": lambda: Schedule(1, 2, NAN),
    "2.5 epochs": lambda: Schedule(2.5, 2, 0.1),
    "batches of 0": lambda: Schedule(1, 0, 0.1),
    "weight limit nan": lambda: Schedule(1, 2, 0.1, weight_limit=NAN),
    "three weight limits": lambda: Schedule(1, 2, 0.1, weight_limit=(1.0, 2.0, 3.0)),
    "sizes of 2.5": lambda: initial_weights((2, 2.5), np.random.default_rng(0)),
    "spikes nan": lambda: trained(times=((NAN, 0.2), (0.3, 0.4))),
    "spikes of another width": lambda: trained(times=((0.1, 0.2, 0.3), (0.3, 0.4, 0.5))),
    "no samples": lambda: trained(times=np.zeros((0, 2)), labels=np.zeros(0, int)),
    "labels (n, 1)": lambda: trained(labels=((0,), (1,))),
    "more labels than samples": lambda: trained(labels=(0, 1, 1)),
    "label -1 in training": lambda: trained(labels=(0, -1)),
    "label beyond": lambda: trained(labels=(0, 2)),
    "label 0.5": lambda: trained(labels=(0, 0.5)),
    "weights of integers": lambda: trained(weights=[np.ones((2, 2), int)]),
    "label -1 in software": lambda: software([-1]),
    "codes beyond the input": lambda: software([0], ((1, 16),)),
    "codes of fractions": lambda: software([0], ((1, 0.5),)),
    "a feature too many": lambda: software([0], ((1, 2, 3),)),
    "features of flowers nan": lambda: iris(0).encode(np.full((1, 4), NAN)),
    "a flower with a surplus feature": lambda: iris(0).encode(np.ones((1, 5))),
    "seed -1": lambda: iris(-1),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_does_not_fit_is_refused(case):
    with pytest.raises(CimspiceError) as refused:
        REFUSED[case]()
    assert refused.value.remedy


def test_features_beyond_the_training_range_are_counted():
    with pytest.warns(ClippedWarning, match="4 of 4 features"):
        times = iris(0).encode(np.full((1, 4), 1e3))
    np.testing.assert_allclose(times, 0.05, rtol=1e-12)


def test_what_is_mapped_is_a_copy():
    cells = np.full((2, 2), 1e-5)
    mapped = MappedWeights(cells, 1.0)
    cells[:] = 0
    assert (mapped.conductances == 1e-5).all()
