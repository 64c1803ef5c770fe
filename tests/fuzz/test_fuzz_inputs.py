"""Arrays of any type, layout and shape into what users call: the numbers in them, or a typed refusal."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest
from fuzz_documents import fuzz, seeds
from hypothesis import given
from sram_lines import hand_made

from cimspice.crossbar import Crossbar, NonlinearCrossbar, SinhCell
from cimspice.crossbar.family import circuit
from cimspice.crossbar.mapping.conductances import ConductanceRange, map_weights
from cimspice.crossbar.mapping.tiles import Tiling
from cimspice.crossbar.programming.bit_slices import BitSlices, quantise
from cimspice.errors import CimspiceError
from cimspice.network import dense_network, map_network
from cimspice.network.decisions import agreement, earliest, share_right, strongest, undecided
from cimspice.neuron.emulator.spiking_layer import SpikingLayer
from cimspice.neuron.emulator.spiking_network import SpikingNetwork
from cimspice.neuron.training import Objective, Schedule, train
from cimspice.rram import Vteam
from cimspice.sram.emulator.ideal_read import IdealRead
from cimspice.sram.emulator.read import MultiRowRead
from cimspice.sram.mapping.format import WordFormat
from cimspice.sram.mapping.words import row_codes, store_words, stored_words

WEIGHTS = np.array([[0.5, -0.25, 0.375], [0.125, 0.25, -0.5]])
TIMES = np.array([[0.25, 0.5, 0.125], [0.75, 0.25, 0.5]])
VOLTS = np.array([[0.25, -0.5], [1.0, 0.125]])
LINE = 5.0  # ohm
BITS = np.array([0, 1])
DENSE = dense_network("one", [WEIGHTS], [np.array([0.25, -0.5])])
TILES = circuit(tile=2)


class Door(NamedTuple):
    """What takes an array (``good`` fits it): ``low`` is the least number, ``any_shape`` takes any shape and
    ``wide`` any number of columns; leading axes are batches where there is no other reason (``batch``).
    """

    call: Callable[[Any], Any]
    good: np.ndarray
    low: float = -np.inf
    whole: bool = False
    any_shape: bool = False
    infinite: bool = False
    wide: bool = False
    batch: bool = False


def tiled(weights: Any) -> np.ndarray:
    return map_network(dense_network("one", [weights], [np.zeros(2)]), TIMES, TILES).outputs(TIMES)


TILED = map_network(DENSE, TIMES, TILES)
LAYER = SpikingLayer(WEIGHTS, 2.5, -1.5)


def learned(times=TIMES, labels=(0, 1)) -> np.ndarray:
    weights = [WEIGHTS.copy()]
    train(weights, times, labels, Objective(2.5, -1.5), Schedule(1, 2, 0.1), np.random.default_rng(0))
    return weights[0]


DOORS = {
    "SpikingLayer weights": Door(lambda w: SpikingLayer(w, 2.5, -1.5)(TIMES), WEIGHTS),
    "SpikingLayer times": Door(LAYER, TIMES, low=0, infinite=True),
    "SpikingLayer dstd": Door(SpikingLayer(WEIGHTS, 2.5, -1.5, method="dstd"), TIMES, low=0, infinite=True),
    "SpikingNetwork": Door(SpikingNetwork([LAYER]).decisions, TIMES, low=0, infinite=True),
    "network weights": Door(lambda w: dense_network("one", [w], [np.zeros(2)]).outputs(TIMES), WEIGHTS),
    "network inputs": Door(DENSE.outputs, TIMES),
    "tiles' weights": Door(tiled, WEIGHTS),
    "tiles' inputs": Door(TILED.outputs, TIMES, low=0),
    "Crossbar cells": Door(
        lambda g: Crossbar(g).currents(VOLTS), WEIGHTS**2, low=0, infinite=True, wide=True
    ),
    "Crossbar voltages": Door(Crossbar(WEIGHTS**2).currents, VOLTS),
    "Crossbar upstream": Door(lambda u: Crossbar(WEIGHTS**2).gradient(VOLTS, u), TIMES),
    "Crossbar words": Door(
        lambda r: Crossbar(WEIGHTS**2, word_line_resistance=r).currents(VOLTS),
        np.full((2, 4), LINE),
        low=0,
        infinite=True,
    ),
    "Crossbar sources": Door(
        lambda r: Crossbar(WEIGHTS**2, source_resistance=r).currents(VOLTS),
        np.array([5.0, 2.0]),
        low=0,
        infinite=True,
    ),
    "SinhCell": Door(
        lambda g: NonlinearCrossbar(SinhCell(g, 2.0)).currents(VOLTS), WEIGHTS**2, low=0, wide=True
    ),
    "NonlinearCrossbar": Door(NonlinearCrossbar(SinhCell(WEIGHTS**2, 2.0)).currents, VOLTS),
    "map_weights": Door(lambda w: map_weights(w, ConductanceRange()).conductances, WEIGHTS, wide=True),
    "nearest": Door(ConductanceRange(0.125, 1.0, 8).nearest, TIMES, any_shape=True, infinite=True),
    "quantise": Door(lambda w: quantise(w, 4)[0], np.array([[0.5, -0.125, 0.375]]), any_shape=True),
    "BitSlices": Door(BitSlices(4).words, np.array([[3, 0], [1, 7]]), low=0, whole=True, any_shape=True),
    "WordFormat": Door(
        WordFormat(2, 2).values, np.array([[3, 0], [15, 7]]), low=0, whole=True, any_shape=True
    ),
    "store_words": Door(
        lambda w: store_words(w, 4), np.array([[3, 0], [15, 7]]), low=0, whole=True, any_shape=True
    ),
    "stored_words": Door(
        lambda b: stored_words(b, 2), np.array([[1, 0], [1, 1]]), low=0, whole=True, any_shape=True
    ),
    "row_codes": Door(
        lambda o: row_codes(o, 2, largest_code=15), np.array([1, 0, 1]), low=0, whole=True, any_shape=True
    ),
    "Tiling": Door(lambda m: Tiling(2, 3, 2, 2).joined(Tiling(2, 3, 2, 2).cut(m)), WEIGHTS, infinite=True),
    "MultiRowRead codes": Door(
        lambda c: MultiRowRead(hand_made())(c, np.array([0, 1])).discharge,
        np.array([1, 2]),
        low=0,
        whole=True,
        batch=True,
    ),
    "MultiRowRead bits": Door(
        lambda b: MultiRowRead(hand_made())(np.array([1, 2]), b).discharge,
        np.array([1, 0]),
        low=0,
        whole=True,
        batch=True,
    ),
    "IdealRead bits": Door(
        lambda b: IdealRead(1e-3)(np.array([1, 2]), b).discharge,
        np.array([1, 0]),
        low=0,
        whole=True,
        batch=True,
    ),
    "strongest": Door(strongest, WEIGHTS, any_shape=True),
    "earliest": Door(earliest, TIMES, any_shape=True, infinite=True),
    "labels": Door(lambda y: share_right(np.array([0, 1, 1]), y, 2), np.array([0, 1, 0]), low=0, whole=True),
    "agreement": Door(lambda d: agreement(np.array([0, 1, 1]), d), np.array([0, 1, 0]), low=-1, whole=True),
    "undecided": Door(lambda d: undecided(np.array([0, 1, 1]), d), np.array([0, 1, 0]), low=-1, whole=True),
    "accuracy": Door(
        lambda y: share_right(strongest(DENSE.outputs(TIMES)), y, 2), np.array([0, 1]), low=0, whole=True
    ),
    "Vteam": Door(Vteam.published().conductance, np.array([0.25, 0.5, 1.0]), low=0, any_shape=True),
    "training times": Door(lambda t: learned(times=t), TIMES, low=0, infinite=True),
    "training labels": Door(lambda y: learned(labels=y), np.array([0, 1]), low=0, whole=True),
}


def strided(array):
    wide = np.zeros((*array.shape, 2))
    wide[..., 0] = array
    return wide[..., 0]


def locked(array):
    copy = array.copy()
    copy.setflags(write=False)
    return copy


SAME = {
    "lists": np.ndarray.tolist,
    "tuples": lambda a: tuple(map(tuple, a.tolist())) if a.ndim == 2 else tuple(a.tolist()),
    "columns first": np.asfortranarray,
    "every second": strided,
    "read-only": locked,
    "float32": lambda a: a.astype(np.float32),
    "float16": lambda a: a.astype(np.float16),
    "long double": lambda a: a.astype(np.longdouble),
    "other byte order": lambda a: a.astype(">f8"),
    "a frame": lambda a: pd.DataFrame(a) if a.ndim == 2 else pd.Series(a),
    "masked, nothing": np.ma.asarray,
}  # fmt: skip
WHOLE = {
    "int8": lambda a: a.astype(np.int8),
    "uint64": lambda a: a.astype(np.uint64),
    "whole floats": lambda a: a.astype(float),
}


def placed(value):
    def put(array, random):
        changed = np.array(array, dtype=np.result_type(array.dtype, np.asarray(value).dtype))
        changed.flat[random.randrange(array.size)] = value
        return changed

    return put


REFUSED = {
    "nan": placed(np.nan),
    "-inf": placed(-np.inf),
    "inf": placed(np.inf),
    "below": lambda a, random: placed(-0.5)(a.astype(float), random),
    "complex": lambda a, _: a + 0j,
    "half a number": lambda a, random: placed(0.5)(a.astype(float), random),
    "text": lambda a, _: a.astype(str),
    "objects": lambda a, _: a.astype(object),
    "None": lambda a, random: placed(None)(a.astype(object), random),
    "dates": lambda a, _: a.astype("datetime64[s]"),
    "masked": lambda a, random: np.ma.array(a, mask=placed(True)(np.zeros(a.shape, bool), random)),
    "ragged": lambda a, _: [a.tolist(), [1.0] * 7],
    "a word": lambda *_: "words",
    "a dictionary": lambda *_: {"a": 1},
    "None alone": lambda *_: None,
    "a surplus column": lambda a, _: np.concatenate([a, a[..., :1]], axis=-1),
    "a missing column": lambda a, _: a[..., :-1],
    "an axis of one": lambda a, _: a[..., None],
    "two axes more": lambda a, _: a[None, None],
    "none in the last axis": lambda a, _: a[..., :0],
}  # fmt: skip
OF_SHAPE = (
    "a surplus column",
    "a missing column",
    "an axis of one",
    "two axes more",
    "none in the last axis",
)


def result(door: Door, array: Any) -> Any:
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        return door.call(array)


@pytest.mark.parametrize("name", DOORS)
@fuzz(0.03)
@given(random=seeds)
def test_the_same_numbers_in_another_form_give_the_same_result(name, random):
    door = DOORS[name]
    form = random.choice([*SAME.values(), *(WHOLE.values() if door.whole else ())])
    wanted = result(door, door.good.copy())
    given_array = form(door.good if door.whole and form is not strided else door.good.astype(float))
    try:
        found = result(door, given_array)
    except CimspiceError as error:
        assert "type float" in error.message  # noqa: PT017 (labels are asked for as integers)
        return
    np.testing.assert_allclose(np.asarray(found, float), np.asarray(wanted, float), rtol=1e-12, atol=0)


def kinds(door: Door) -> list[str]:
    """What the door has to refuse."""
    taken = {"inf", "-inf"} if door.infinite and door.low else {"inf"} if door.infinite else set()
    taken |= set(OF_SHAPE) if door.any_shape else set()
    taken |= {"a surplus column", "a missing column"} if door.wide else set()
    taken |= {"two axes more"} if door.batch else set()
    taken |= set() if door.low == 0 else {"below"}
    taken |= set() if door.whole else {"half a number"}
    return [kind for kind in REFUSED if kind not in taken]


@pytest.mark.parametrize("name", DOORS)
@fuzz(0.05)
@given(random=seeds)
def test_what_does_not_fit_is_refused_with_place_and_remedy(name, random):
    door = DOORS[name]
    kind = random.choice(kinds(door))
    with pytest.raises(CimspiceError) as refused:
        result(door, REFUSED[kind](door.good, random))
    assert refused.value.place, kind
    assert refused.value.remedy, kind


KEPT = {
    "Crossbar": (Crossbar, WEIGHTS**2, lambda made: made.currents(VOLTS)),
    "Crossbar words": (
        lambda r: Crossbar(WEIGHTS**2, word_line_resistance=r), np.full((2, 4), LINE),
        lambda made: made.currents(VOLTS),
    ),
    "SinhCell": (
        lambda g: SinhCell(g, 2.0), WEIGHTS**2, lambda made: NonlinearCrossbar(made).currents(VOLTS)
    ),
    "bends": (
        lambda a: SinhCell(WEIGHTS**2, a), TIMES, lambda made: NonlinearCrossbar(made).currents(VOLTS)
    ),
    "SpikingLayer": (lambda w: SpikingLayer(w, 2.5, -1.5), WEIGHTS, lambda made: made(TIMES)),
    "initial": (lambda v: SpikingLayer(WEIGHTS, initial=v), np.zeros(2), lambda made: made(TIMES)),
    "network": (
        lambda w: dense_network("one", [w], [np.zeros(2)]), WEIGHTS, lambda made: made.outputs(TIMES)
    ),
    "tiles": (
        lambda w: map_network(dense_network("one", [w], [None]), TIMES, TILES), WEIGHTS,
        lambda made: made.outputs(TIMES),
    ),
    "calibration": (lambda x: map_network(DENSE, x, TILES), TIMES, lambda made: made.outputs(TIMES)),
    "map_weights": (lambda w: map_weights(w, ConductanceRange()), WEIGHTS, lambda made: made.weights),
}  # fmt: skip


@pytest.mark.parametrize("name", KEPT)
@fuzz(0.01)
@given(random=seeds)
def test_what_the_caller_writes_into_his_array_later_changes_nothing(name, random):
    make, good, use = KEPT[name]
    form = random.choice((np.array, np.asfortranarray, strided))
    mine = form(good.copy())
    made, at = make(mine), random.randrange(mine.size)
    if random.random() < 0.5:
        use(made)
    mine[np.unravel_index(at, mine.shape)] = random.choice((0.0, 3.0, np.nan, -1.0))
    np.testing.assert_array_equal(use(made), use(make(good.copy())))
