"""Known stuck cells are avoided: inputs and outputs exchange places, and sums come in their order."""

from __future__ import annotations

import re
from itertools import permutations
from pathlib import Path

import array_api_strict
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cimspice.cli.app import run
from cimspice.crossbar import Crossbar, crossbar_circuit, simulate
from cimspice.crossbar.mapping.remapping import avoid_stuck_cells
from cimspice.network import built_in, map_network

IDEAL = {"word_line_resistance": 0.0, "bit_line_resistance": 0.0}
STUCK = {"stuck_low": 0.1, "stuck_high": 0.05}


def drawn(seed: int, outputs: int, inputs: int, *, signed: bool = False) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(outputs, inputs)), rng.uniform(-1.0 if signed else 0.0, 1, (40, inputs))


def unmapped(arrays: dict[str, np.ndarray], chip: int = 0) -> np.ndarray:
    g = arrays["conductances"][chip]
    if g.shape[2] == arrays["unit"].shape[1]:  # a column each, signs in slices of their own
        return np.einsum("sio,so->oi", g, arrays["unit"])
    return np.einsum("sio,so->oi", g[..., 0::2] - g[..., 1::2], arrays["unit"])


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    shape=st.tuples(st.integers(1, 12), st.integers(1, 14)),
    tile=st.sampled_from([(4, 4), (5, 8), (16, 32)]),
    sliced=st.sampled_from([{}, {"levels": 8}, {"weight_bits": 4, "slice_bits": 2}]),
    scale=st.sampled_from(["tensor", "column"]),
    form=st.sampled_from(["differential", "sign-magnitude"]),
)
def test_the_error_is_never_larger_than_in_order_and_sums_are_those_of_the_saved_weights(
    seed, shape, tile, sliced, scale, form
):
    w, x = drawn(seed, *shape, signed=bool(seed % 2))
    given = dict(tile=tile, weight_scale=scale, seed=seed, weight_form=form, **STUCK, **IDEAL, **sliced)
    width = 2 if form == "differential" else 1
    plain = crossbar_circuit(**given).layer(w, x)
    placed = crossbar_circuit(stuck_remapping=True, **given).layer(w, x)
    target = unmapped(plain.without("stuck cells").arrays())

    def error(layer) -> float:
        return float(np.linalg.norm((unmapped(layer.arrays()) - target) * np.sqrt(np.mean(x**2, axis=0))))

    assert error(placed) <= error(plain) * (1 + 1e-9) + 1e-12
    facts, size = placed.facts(), np.linalg.norm(w * np.sqrt(np.mean(x**2, axis=0)))
    assert facts["stuck_error"] == pytest.approx(error(placed) / size, rel=1e-9, abs=1e-12)
    assert facts["stuck_error_in_order"] == pytest.approx(error(plain) / size, rel=1e-9, abs=1e-12)
    weights = unmapped(placed.arrays())
    np.testing.assert_allclose(placed.arrays()["weights"][0], weights, atol=1e-12)
    np.testing.assert_allclose(placed.without("clipping")(x), x @ weights.T, atol=1e-11)
    for name, count, size in (("rows", w.shape[1], tile[0]), ("pairs", w.shape[0], tile[1] // width)):
        places = placed.arrays()[name][0]
        assert sorted(places) == list(range(count))
        assert np.array_equal(places // size, np.arange(count) // size)  # nothing leaves its tile


def test_pairs_of_one_row_are_the_best_of_all_orders():
    rng = np.random.default_rng(5)
    targets, scale = rng.uniform(2, 80, (1, 1, 5, 2)), rng.uniform(0.5, 2, (1, 1, 5))
    stuck = np.where(rng.uniform(size=targets.shape) < 0.5, rng.choice([2.0, 80.0], targets.shape), np.nan)

    def error(order) -> float:
        off = np.nan_to_num(stuck[0, 0] - targets[0, 0, list(order)])
        return float(np.sum(((off[:, 0] - off[:, 1]) * scale[0, 0, list(order)]) ** 2))

    found = avoid_stuck_cells(targets, stuck, scale, (64, 64))
    assert error(found.pairs) == pytest.approx(min(map(error, permutations(range(5)))))
    assert error(found.pairs) < error(range(5))


def test_stuck_cells_stay_where_they_are_whatever_lies_on_them():
    w, x = drawn(3, 6, 10)
    given = dict(tile=(16, 16), chips=3, seed=4, **STUCK, **IDEAL)
    plain, placed = (
        crossbar_circuit(stuck_remapping=on, **given).layer(w, x).arrays() for on in (False, True)
    )
    for chip in range(3):
        rows, pairs = placed["rows"][chip], placed["pairs"][chip]
        columns = np.stack([2 * pairs, 2 * pairs + 1], axis=1).ravel()
        physical = np.empty((10, 12))
        physical[np.ix_(rows, columns)] = placed["conductances"][chip, 0]
        high = plain["conductances"][chip, 0] >= 79.9e-6
        target = np.abs(w.T).max() == np.abs(w.T)  # the one cell that is there of itself
        stuck = high & ~np.repeat(target, 2, axis=1)
        assert stuck.any()
        assert np.all(physical[stuck] >= 79.9e-6)
    assert not np.array_equal(placed["rows"][0], placed["rows"][1])


def test_wires_act_on_the_places_that_inputs_and_outputs_have():
    w, x = drawn(7, 5, 8)
    resistances = {"word_line_resistance": 30.0, "bit_line_resistance": 20.0}
    made = crossbar_circuit(tile=(8, 10), stuck_remapping=True, seed=1, **STUCK, **resistances).layer(w, x)
    saved, scale = made.arrays(), made.facts()["input_scale"]
    rows, pairs = saved["rows"][0], saved["pairs"][0]
    physical, volts = np.empty((8, 10)), np.empty_like(x)
    physical[np.ix_(rows, np.stack([2 * pairs, 2 * pairs + 1], axis=1).ravel())] = saved["conductances"][0, 0]
    volts[:, rows] = 0.2 * x / scale
    currents = Crossbar(physical, **resistances).currents(volts)
    sums = (currents[:, 0::2] - currents[:, 1::2])[:, pairs] * saved["unit"][0] * scale / 0.2
    np.testing.assert_allclose(made(x), sums, rtol=1e-9, atol=1e-12)


def test_converters_signed_inputs_and_chips_keep_the_order_in_numpy_and_the_array_api():
    w, x = drawn(8, 7, 20, signed=True)
    made = crossbar_circuit(
        tile=(8, 8), stuck_remapping=True, adc_bits=20, chips=2, seed=2, **STUCK, **IDEAL
    ).layer(w, x)
    for number in range(2):
        exact = x @ unmapped(made.arrays(), number).T
        np.testing.assert_allclose(made(x)[number], exact, atol=1e-4)
        np.testing.assert_allclose(made.chip(number)(x), exact, atol=1e-4)
        other = made.chip(number)(array_api_strict.asarray(x))
        np.testing.assert_allclose(np.asarray(other), made.chip(number)(x), atol=1e-12)


@pytest.mark.spice
def test_ngspice_reads_the_tiles_with_exchanged_places(tmp_path):
    w, x = drawn(9, 3, 5)
    made = crossbar_circuit(tile=(4, 4), stuck_remapping=True, seed=3, **STUCK).layer(w, x)
    found = simulate(made, x[:3], store=tmp_path / "store.sqlite", jobs=1)
    np.testing.assert_allclose(found.outputs, made(x[:3]), rtol=1e-8, atol=1e-10)


def test_digits_with_stuck_cells_are_right_as_often_as_the_page_says():
    page = (Path(__file__).resolve().parents[2] / "docs" / "crossbar_network.md").read_text(encoding="utf-8")
    said = re.search(r"three chips: ([\d.]+) % right in order, ([\d.]+) % with it", page)
    digits = built_in("digits")
    for on, share in zip((False, True), said.groups() if said else (), strict=True):
        made = crossbar_circuit(tile=32, stuck_low=0.02, stuck_high=0.02, chips=3, stuck_remapping=on)
        outputs = map_network(digits.network, digits.x_train, made).outputs(digits.x_test)
        assert f"{100 * np.mean(outputs.argmax(axis=2) == digits.y_test):.1f}" == share


def test_a_setting_that_is_neither_true_nor_false_is_refused(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "circuit.toml").write_text('stuck_remapping = "no"\n')
    assert run(["map", "iris", "--circuit", "crossbar", "--config", "circuit.toml"]) == 2
    assert "stuck_remapping is 'no'" in capsys.readouterr().err
