"""Forms of weights on tiles: offset column and sign-magnitude, beside pairs; back again, and in ngspice."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cimspice.crossbar import Crossbar
from cimspice.crossbar.family import circuit, simulate
from cimspice.errors import CimspiceError

LOW, HIGH = 2e-6, 80e-6
OFFSET, SIGN = "offset column", "sign-magnitude"
FORMS = ("differential", OFFSET, SIGN)
IDEAL = {"word_line_resistance": 0.0, "bit_line_resistance": 0.0}
WIRED = {"word_line_resistance": 3.0, "bit_line_resistance": 2.0, "source_resistance": 50.0}


def case(outputs=11, inputs=37, samples=20, seed=0, low=0.0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(outputs, inputs)), rng.uniform(low, 1, (samples, inputs))


def unmapped(saved: dict[str, np.ndarray], form: str, width: int) -> np.ndarray:
    """Weights (outputs, inputs) of the first chip, from conductances and units alone."""
    total = 0.0
    for cells, unit in zip(saved["conductances"][0], saved["unit"], strict=True):
        if form == OFFSET:
            tiles = [cells[:, left : left + width] for left in range(0, cells.shape[1], width)]
            sums = np.hstack([tile[:, :-1] - tile[:, -1:] for tile in tiles])
        else:
            sums = cells if form == SIGN else cells[:, 0::2] - cells[:, 1::2]
        total = total + (sums * unit).T
    return np.asarray(total)


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(FORMS), st.integers(1, 20), st.integers(1, 30), st.integers(1, 9), st.booleans(),
    st.sampled_from(["tensor", "column"]), st.integers(0, 2**31),
)  # fmt: skip
def test_weights_come_back_to_rounding_and_ideal_sums_are_theirs(
    form, outputs, inputs, half, signed, scale, seed
):
    w, x = case(outputs, inputs, 5, seed, -1.0 if signed else 0.0)
    w *= 10.0 ** (seed % 9 - 4)
    made = circuit(tile=(7, 2 * half), weight_form=form, weight_scale=scale, **IDEAL).layer(w, x)
    saved, largest = made.arrays(), np.abs(w).max()
    assert saved["conductances"].min() >= LOW
    assert saved["conductances"].max() <= HIGH * (1 + 1e-15)
    assert np.abs(unmapped(saved, form, 2 * half) - w).max() <= 1e-14 * largest
    assert np.abs(saved["weights"][0] - w).max() <= 1e-14 * largest
    assert np.abs(made(x) - x @ w.T).max() <= 1e-12 * largest * inputs


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(FORMS), st.integers(3, 40), st.integers(0, 2**31))
def test_levels_leave_weights_within_half_a_step_of_the_form(form, levels, seed):
    w, x = case(seed=seed)
    saved = circuit(tile=(16, 8), weight_form=form, levels=levels, **IDEAL).layer(w, x).arrays()
    steps = (levels - 1) // 2 if form == OFFSET else levels - 1  # an offset has both signs in one range
    assert np.abs(unmapped(saved, form, 8) - w).max() <= np.abs(w).max() * (0.5 / steps + 1e-12)
    grid = (saved["conductances"] - LOW) / ((HIGH - LOW) / (levels - 1))
    np.testing.assert_allclose(grid, np.round(grid), atol=1e-9)


@settings(max_examples=30, deadline=None)
@given(st.sampled_from(FORMS), st.integers(2, 9), st.integers(1, 4), st.integers(0, 2**31))
def test_sliced_weights_come_back_within_half_of_their_last_bit(form, bits, slice_bits, seed):
    w, x = case(5, 9, 3, seed)
    made = circuit(tile=(16, 8), weight_form=form, weight_bits=bits, slice_bits=slice_bits, **IDEAL).layer(
        w, x
    )
    back = unmapped(made.arrays(), form, 8)
    largest = np.abs(w).max()
    np.testing.assert_allclose(
        back, np.rint(w / largest * (2**bits - 1)) * largest / (2**bits - 1), atol=1e-12
    )


def test_cells_tiles_and_utilisation_are_those_of_the_form():
    w, x = case()  # 37 x 11 on 16 x 8: 3 rows of tiles
    counted = {
        "differential": (37 * 22, 3 * 3),
        OFFSET: (37 * (11 + 2), 3 * 2),  # 7 outputs and a reference, 4 and a reference
        SIGN: (2 * 37 * 11, 2 * 3 * 2),
    }
    for form, (cells, tiles) in counted.items():
        facts = circuit(tile=(16, 8), weight_form=form, **IDEAL).layer(w, x).facts()
        assert (facts["cells"], facts["tiles"]) == (cells, tiles)
        assert facts["utilisation"] == pytest.approx(cells / (tiles * 128))


@pytest.mark.parametrize("low", [0.0, -1.0])
@pytest.mark.parametrize("form", [OFFSET, SIGN])
def test_wires_and_converters_act_on_each_tile_of_the_form(form, low):
    w, x = case(low=low)
    made = circuit(tile=(16, 8), weight_form=form, adc_bits=6, adc_percentile=95.0, levels=17, **WIRED).layer(
        w, x
    )
    scale, largest = np.abs(x).max(), np.abs(w).max()
    step = (HIGH - LOW) / 16
    if form == OFFSET:  # zero at level 8 of 0 to 16
        codes = [np.rint(8 * w.T / largest) + 8]
        codes = [np.hstack([codes[0][:, :7], np.full((37, 1), 8), codes[0][:, 7:], np.full((37, 1), 8)])]
        units, most, least = [largest / 8], 31, -31
    else:
        codes = [np.rint(16 * np.maximum(sign * w.T / largest, 0)) for sign in (1, -1)]
        units, most, least = [largest / 16, -largest / 16], 63, 0
    passes = [np.maximum(x, 0), np.maximum(-x, 0)] if low < 0 else [x]
    expected, saturated = np.zeros((len(x), 11)), 0
    for code, unit in zip(codes, units, strict=True):
        cells = LOW + step * code
        for top in range(0, 37, 16):
            for left in range(0, cells.shape[1], 8):
                rows, columns = slice(top, top + 16), slice(left, left + 8)
                tile = Crossbar(cells[rows, columns], **WIRED, compiled=False)
                sums = [tile.currents(0.2 * part[:, rows] / scale) for part in passes]
                first = left
                if form == OFFSET:
                    sums, first = [part[:, :-1] - part[:, -1:] for part in sums], left - left // 8
                code_of = np.percentile(np.abs(np.concatenate(sums)), 95.0) / most
                converted = [np.clip(np.rint(part / code_of), least, most) * code_of for part in sums]
                saturated += sum(int((np.abs(part / code_of) > most + 0.5).sum()) for part in sums)
                total = converted[0] - (converted[1] if low < 0 else 0)
                expected[:, first : first + total.shape[1]] += total * unit / step * scale / 0.2
    np.testing.assert_allclose(made(x), expected, atol=1e-9 * largest)
    facts = made.facts()
    assert facts["saturated"] == saturated > 0
    assert facts["conversions"] == len(codes) * len(passes) * len(x) * 11 * 3
    assert facts["clipped_weights"] == 0


@pytest.mark.spice
@pytest.mark.parametrize("form", [OFFSET, SIGN])
@pytest.mark.parametrize("changes", [{}, {"nonlinearity": 2.0}, {"adc_bits": 6}])
def test_tiles_of_the_form_equal_ngspice(form, changes, tmp_path):
    w, x = case(5, 6, 4, low=-1.0)
    made = circuit(tile=(4, 4), weight_form=form, levels=16, tolerance=0.05, **WIRED, **changes).layer(w, x)
    found = simulate(made, x, store=tmp_path / "points.db", jobs=1)
    assert found.tile_error < 1e-9
    np.testing.assert_allclose(found.outputs, made(x), atol=1e-8 * np.abs(made(x)).max())
    assert found.tiles == len(found.places) == {OFFSET: 2 * 2, SIGN: 2 * 2 * 2}[form]
    assert {(outputs.start, outputs.stop) for _, outputs in found.places} == {
        OFFSET: {(0, 3), (3, 5)}, SIGN: {(0, 4), (4, 5)},
    }[form]  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"weight_form": "pairs"}, "weight_form is 'pairs'"),
        ({"weight_form": OFFSET, "levels": 2}, "3 levels or more"),
        ({"weight_form": OFFSET, "tile": (8, 1)}, "none beside the reference"),
        ({"weight_form": OFFSET, "stuck_remapping": True}, "stuck_remapping"),
    ],
)
def test_forms_that_hold_no_weights_are_refused(changes, words):
    with pytest.raises(CimspiceError, match=words):
        circuit(**changes).layer(*case())
