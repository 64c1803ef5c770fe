"""A layer's circuit of crossbar tiles: against sums written out, other array libraries, and ngspice."""

from __future__ import annotations

import array_api_strict
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cimspice.crossbar import Crossbar
from cimspice.crossbar.emulator.converters import Adc, calibrated_range
from cimspice.crossbar.emulator.tile_layer import IDEAL_WIRES, TileWires, solved
from cimspice.crossbar.emulator.tile_stack import effective_tiles
from cimspice.crossbar.family import circuit, simulate
from cimspice.crossbar.mapping.tiles import Tiling
from cimspice.errors import CimspiceError, ParameterError
from cimspice.network import Network, Node, map_network

IDEAL = {"word_line_resistance": 0.0, "bit_line_resistance": 0.0}
WIRED = {"word_line_resistance": 3.0, "bit_line_resistance": 2.0, "source_resistance": 50.0}


def case(outputs=11, inputs=37, samples=20, seed=0, low=0.0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(outputs, inputs)), rng.uniform(low, 1, (samples, inputs))


@settings(max_examples=40, deadline=None)
@given(
    st.integers(1, 20), st.integers(1, 40), st.integers(1, 17), st.integers(1, 9),
    st.sampled_from(["tensor", "column"]), st.booleans(), st.integers(0, 2**31),
)  # fmt: skip
def test_with_every_effect_off_the_sums_are_those_of_the_weights(
    outputs, inputs, tile_rows, half, scale, signed, seed
):
    w, x = case(outputs, inputs, 5, seed, -1.0 if signed else 0.0)
    w *= 10.0 ** (seed % 9 - 4)
    made = circuit(
        tile=(tile_rows, 2 * half), weight_scale=scale, weight_percentile=80.0, input_percentile=70.0,
        levels=16, tolerance=0.1, stuck_low=0.1, stuck_high=0.1, nonlinearity=2.0, dac_bits=4, adc_bits=5,
        **WIRED,
    ).layer(w, x)  # fmt: skip
    assert made.effects == ("level quantisation", "programming error", "stuck cells", "wires",
                            "non-linearity", "clipping", "DAC", "ADC")  # fmt: skip
    exact = made.without(*made.effects)
    assert exact.effects == ()
    bound = 1e-11 * np.abs(w).max() * np.abs(x).max() * inputs
    assert np.abs(exact(x) - x @ w.T).max() <= bound
    assert exact.clipped(x) == 0
    assert made.without("non-linearity", "ADC").matrix is not None
    assert made.without("non-linearity").matrix is None


@pytest.mark.parametrize("scale", ["tensor", "column"])
def test_levels_leave_weights_within_half_a_step_of_their_full_scale(scale):
    w, x = case()
    w[3] *= 100
    made = circuit(**IDEAL, levels=33, weight_scale=scale).layer(w, x)
    full = np.abs(w).max(axis=1, keepdims=True) if scale == "column" else np.abs(w).max()
    assert (np.abs(made.matrix - w) <= full * (0.5 / 32 + 1e-12)).all()
    assert made.facts()["weight_error"] == pytest.approx(
        np.linalg.norm(made.matrix - w) / np.linalg.norm(w), rel=1e-9
    )


def test_each_tile_has_its_own_wires_and_all_together_are_one_matrix():
    w, x = case()
    made = circuit(tile=(16, 8), **WIRED).layer(w, x)
    largest = np.abs(w).max()
    cells = np.empty((37, 22))
    cells[:, 0::2] = 2e-6 + 78e-6 * np.maximum(w.T, 0) / largest
    cells[:, 1::2] = 2e-6 + 78e-6 * np.maximum(-w.T, 0) / largest
    currents = np.zeros((len(x), 22))
    volts = 0.2 * x / x.max()
    for top in range(0, 37, 16):
        for left in range(0, 22, 8):
            rows, columns = slice(top, top + 16), slice(left, left + 8)
            tile = Crossbar(cells[rows, columns], **WIRED, compiled=False)
            currents[:, columns] += tile.currents(volts[:, rows])
    expected = (currents[:, 0::2] - currents[:, 1::2]) * largest / 78e-6 * x.max() / 0.2
    np.testing.assert_allclose(made(x), expected, rtol=1e-11, atol=1e-11)
    np.testing.assert_allclose(x @ made.matrix.T, expected, rtol=1e-11, atol=1e-11)
    facts = made.facts()
    assert (facts["cells"], facts["tiles"]) == (37 * 22, 9)
    assert facts["utilisation"] == pytest.approx(37 * 22 / (9 * 16 * 8))


@pytest.mark.parametrize("low", [0.0, -1.0])
@pytest.mark.parametrize("tile", [(16, 8), (64, 64)])
def test_converters_round_and_limit_the_sums_of_each_tile(tile, low):
    w, x = case(low=low)
    made = circuit(tile=tile, **IDEAL, dac_bits=5, adc_bits=6, adc_percentile=90.0).layer(w, x)
    scale, largest = np.abs(x).max(), np.abs(w).max()
    lines = np.rint(x / scale * 31) / 31
    passes = [np.maximum(lines, 0), np.maximum(-lines, 0)] if low < 0 else [lines]
    expected, saturated = np.zeros((len(x), 11)), 0
    for top in range(0, 37, tile[0]):
        for left in range(0, 11, tile[1] // 2):
            rows, outputs = slice(top, top + tile[0]), slice(left, left + tile[1] // 2)
            sums = [part[:, rows] @ w[outputs, rows].T for part in passes]
            step = np.percentile(np.abs(np.concatenate(sums)), 90.0) / 31
            codes = [np.rint(part / step) for part in sums]
            saturated += sum(int((np.abs(part) > 31).sum()) for part in codes)
            limited = [np.clip(code, -31, 31) * step for code in codes]
            expected[:, outputs] += scale * (limited[0] - (limited[1] if low < 0 else 0))
    np.testing.assert_allclose(made(x), expected, atol=1e-9 * largest)
    facts = made.facts()
    assert facts["saturated"] == saturated > 0
    assert facts["conversions"] == len(passes) * len(x) * 11 * -(-37 // tile[0])
    assert facts["inputs"] == ("2 passes" if low < 0 else "one pass")


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 12), st.integers(1, 5), st.integers(1, 8), st.booleans(), st.integers(0, 2**31))
def test_weights_in_slices_and_inputs_bit_by_bit_are_those_rounded_to_their_bits(
    weight_bits, slice_bits, dac_bits, column, seed
):
    w, x = case(5, 19, 6, seed, -1.0 if seed % 2 else 0.0)
    made = circuit(
        tile=(8, 4), **IDEAL, weight_bits=weight_bits, slice_bits=slice_bits, dac_bits=dac_bits,
        bit_serial=True, weight_scale="column" if column else "tensor",
    ).layer(w, x)  # fmt: skip
    full = np.abs(w).max(axis=1, keepdims=True) if column else np.abs(w).max()
    rounded = np.sign(w) * np.rint(np.abs(w) / full * (2**weight_bits - 1)) / (2**weight_bits - 1) * full
    np.testing.assert_allclose(made.matrix, rounded, rtol=1e-9, atol=1e-12 * np.abs(w).max())
    most = 2**dac_bits - 1
    lines = np.rint(x / np.abs(x).max() * most) / most * np.abs(x).max()
    np.testing.assert_allclose(made(x), lines @ rounded.T, atol=1e-9 * np.abs(w).max())
    np.testing.assert_allclose(made(x, solved), made(x), atol=1e-9 * np.abs(w).max())
    facts = made.facts()
    slices = -(-weight_bits // slice_bits)
    assert (facts["cells"], facts["tiles"]) == (2 * w.size * slices, 3 * 3 * slices)


@pytest.mark.parametrize("low", [0.0, -1.0])
def test_converters_round_the_sums_of_every_slice_and_every_bit(low):
    w, x = case(2, 5, 4, low=low)
    bits = {"weight_bits": 4, "slice_bits": 2, "dac_bits": 3, "bit_serial": True, "adc_bits": 5}
    made = circuit(**IDEAL, **bits, tolerance=0.05).layer(w, x)
    scale, inputs, expected = np.abs(x).max(), np.rint(np.abs(x) / np.abs(x).max() * 7), np.zeros((4, 2))
    for part in made.instances[0]:
        sums = {(sign, bit): (np.sign(x) == sign) * (inputs // 2**bit % 2) @ part.mapped.weights.T
                for sign in ((1, -1) if low < 0 else (1,)) for bit in range(3)}  # fmt: skip
        step = max(np.abs(one).max() for one in sums.values()) / 15
        for (sign, bit), one in sums.items():
            expected += sign * 2**bit / 7 * scale * np.rint(one / step) * step
    np.testing.assert_allclose(made(x), expected, atol=1e-9)
    assert made.facts()["inputs"] == f"{6 if low < 0 else 3} passes"
    other = made(array_api_strict.asarray(x))
    np.testing.assert_allclose(np.asarray(other), made(x), atol=1e-12)


def test_converters_with_non_linear_cells_see_the_currents_of_the_solver():
    w, x = case(3, 9, 6, low=-1.0)
    made = circuit(tile=(4, 4), nonlinearity=2.0, adc_bits=16, **WIRED).layer(w, x)
    np.testing.assert_allclose(made(x), made.without("ADC")(x), atol=1e-3 * np.abs(w).max())
    assert (made(x) != made.without("ADC")(x)).any()


def test_the_range_of_the_least_error_beats_the_full_range_for_a_long_tail():
    currents = np.random.default_rng(0).standard_t(3, 5000) * 1e-6
    errors = []
    for by in ("least error", "percentile"):
        adc = Adc(5, np.array([[calibrated_range(currents, 5, by)]]))
        step = adc.steps[0, 0]
        errors.append(np.mean((adc.codes(currents / step) * step - currents) ** 2))
    assert errors[0] < 0.5 * errors[1]


def test_what_is_clipped_is_counted():
    w, x = case()
    made = circuit(**IDEAL, weight_percentile=90.0, input_percentile=50.0).layer(w, x)
    limit, most = np.percentile(np.abs(w), 90.0), np.percentile(x, 50.0)
    assert made.facts()["clipped_weights"] == (np.abs(w) > limit).sum() > 0
    assert made.clipped(x) == (x > most).sum() > 0
    np.testing.assert_allclose(made(x), np.minimum(x, most) @ np.clip(w, -limit, limit).T, rtol=1e-9)


def test_chips_have_errors_of_their_own_along_a_leading_axis_and_keep_them():
    w, x = case()
    made = circuit(chips=3, tolerance=0.2, stuck_low=0.05, tile=(16, 8), **WIRED).layer(w, x)
    outputs = made(x)
    assert outputs.shape == (3, 20, 11)
    assert np.abs(outputs[0] - outputs[1]).max() > 1e-3
    assert made.matrix is None
    for number in range(3):
        np.testing.assert_array_equal(made.chip(number)(x), outputs[number])
        alone = made.chip(number).without("wires")(x)
        np.testing.assert_array_equal(alone, made.without("wires").chip(number)(x))
    spread = made.without("stuck cells", "wires")(x) - made.without(
        "stuck cells", "wires", "programming error"
    )(x)
    assert 0 < np.abs(spread).max() < 0.2 * np.abs(w).max() * 37


@pytest.mark.parametrize(
    "settings", [{"tolerance": 0.1, **WIRED}, {"adc_bits": 8, "dac_bits": 6, "tile": (16, 8)}]
)
@pytest.mark.parametrize("low", [0.0, -1.0])
def test_the_same_sums_on_another_array_library(settings, low):
    w, x = case(low=low)
    made = circuit(**settings).layer(w, x)
    other = made(array_api_strict.asarray(x))
    assert type(other).__module__.startswith("array_api_strict")
    np.testing.assert_allclose(np.asarray(other), made(x), atol=1e-12 * np.abs(made(x)).max())


@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize(
    "wires", [TileWires(2.0, 3.0, 10.0, 20.0), TileWires(1.0, 1.0, 5.0, 5.0, "both", "top")]
)
def test_stacked_tiles_equal_those_solved_one_by_one(wires, compiled):
    g = np.random.default_rng(1).uniform(2e-6, 80e-6, (2, 29, 22))
    found = effective_tiles(g, Tiling(29, 22, 8, 8), wires, compiled=compiled)
    for chip in range(2):
        for rows, columns in Tiling(29, 22, 8, 8).places:
            one = Crossbar(g[chip, rows, columns], **vars(wires), compiled=False, method="conjugate")
            np.testing.assert_allclose(found[chip, rows, columns], one.effective_conductance, rtol=1e-9)


def test_stacked_tiles_with_wires_beyond_merging_are_solved_one_by_one():
    g, wires = np.full((4, 4), 8e-5), TileWires(1e9, 1.0)
    one = Crossbar(g[:2, :2], **vars(wires)).effective_conductance
    np.testing.assert_allclose(effective_tiles(g, Tiling(4, 4, 2, 2), wires)[:2, :2], one, rtol=1e-9)
    assert (effective_tiles(g, Tiling(4, 4, 2, 2), IDEAL_WIRES) == g).all()


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"tiles": 4}, "no setting 'tiles'"),
        ({"tile": (4, 3)}, "part the two columns"),
        ({"tile": 0}, "tile hold 0"),
        ({"cell": "2T2R"}, "cells are '2T2R'"),
        ({"device": "pcm"}, "device is 'pcm' with passive cells"),
        ({"adc_bits": 1}, "adc_bits is 1"),
        ({"adc_calibration": "guess"}, "adc_calibration is 'guess'"),
        ({"word_line_resistance": -1.0}, "-1 ohm"),
        ({"g_min": 1e-3}, "no range"),
        ({"chips": 0}, "chips is 0"),
        ({"bit_serial": True}, "bit by bit"),
        ({"weight_bits": 8}, "one of the two"),
        ({"weight_bits": 8, "slice_bits": 2, "levels": 4}, "together"),
    ],
)
def test_settings_that_make_no_circuit_are_refused(settings, words):
    with pytest.raises(CimspiceError, match=words):
        circuit(**settings)


def test_refusals_name_the_layer():
    w, x = case()
    with pytest.raises(ParameterError, match="conv1"):
        circuit().layer(np.where(w > 2, np.nan, w), x, "conv1")
    unsigned = circuit(adc_bits=8).layer(w, x, "dense")
    with pytest.raises(ParameterError, match="below 0"):
        unsigned(-x)
    with pytest.raises(ParameterError, match="no effect 'wire'"):
        unsigned.without("wire")


@pytest.mark.spice
@pytest.mark.parametrize(
    "settings",
    [
        {**WIRED, "tolerance": 0.1},
        {"nonlinearity": 2.0, **WIRED},
        {"cell": "1T1R", **WIRED},
        {**WIRED, "weight_bits": 4, "slice_bits": 2, "dac_bits": 2, "bit_serial": True},
    ],
)
def test_ngspice_reads_the_tiles_and_gives_the_same_sums(settings, tmp_path):
    w, x = case(5, 9, 4, low=-1.0)
    made = circuit(tile=(6, 6), **settings).layer(w, x)
    spice = simulate(made, x, store=tmp_path / "points.db", jobs=1)
    found = made(x)
    assert np.sqrt(np.mean((found - spice.outputs) ** 2)) < 1e-6 * np.sqrt(np.mean(found**2))
    assert spice.tile_error < 1e-6
    slices = 2 if "weight_bits" in settings else 1
    assert spice.tiles == len(spice.places) == 4 * slices
    again = simulate(made, x, store=tmp_path / "points.db", jobs=1)
    np.testing.assert_array_equal(again.outputs, spice.outputs)
    assert again.cpu_seconds == spice.cpu_seconds > 0


@pytest.mark.spice
def test_1t1r_cells_conduct_what_they_were_verified_to_and_less_at_higher_voltage():
    w, x = np.array([[1.0]]), np.array([[1.0]])
    linear = circuit(**IDEAL, read_voltage=0.1).layer(w, x)
    cells = circuit(**IDEAL, read_voltage=0.1, cell="1T1R").layer(w, x)
    np.testing.assert_allclose(cells(x), linear(x), rtol=1e-7)


def test_a_network_of_convolution_groups_runs_on_every_chip():
    rng = np.random.default_rng(0)
    geometry = {"padding": (1, 1, 1, 1), "stride": (2, 2), "groups": 2}
    weights = rng.normal(size=(6, 2, 3, 3))
    nodes = (
        Node("conv", "conv", ("input",), geometry, {"weights": weights, "bias": rng.normal(size=6)}),
        Node("flat", "flatten", ("conv",)),
        Node("dense", "dense", ("flat",), {}, {"weights": rng.normal(size=(3, 54))}),
    )
    network, x = Network("grouped", (4, 5, 5), nodes, "dense"), rng.uniform(0, 1, (7, 4, 5, 5))
    for adc_bits in (None, 12):
        mapped = map_network(
            network, x, circuit(**WIRED, tile=(8, 8), tolerance=0.05, adc_bits=adc_bits, chips=2)
        )
        outputs, wanted = mapped.outputs(x), network.outputs(x)
        assert outputs.shape == (2, 7, 3)
        assert 1e-3 < np.abs(outputs[0] - outputs[1]).max() < np.abs(wanted).max()
        np.testing.assert_array_equal(mapped.chip(1).outputs(x), outputs[1])
        plain = mapped.without(*mapped.effects).outputs(x)
        np.testing.assert_allclose(plain, np.stack([wanted, wanted]), atol=1e-10 * np.abs(wanted).max())
