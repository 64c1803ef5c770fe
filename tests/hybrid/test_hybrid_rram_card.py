"""The card of pairs of RRAM columns: the drains' law, its emulator, chips, what is refused."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from cimspice import hybrid
from cimspice.cli.app import run
from cimspice.errors import CimspiceError, FitError, ParameterError
from cimspice.hybrid.model.card import PairLines, column_model, hybrid_card
from cimspice.hybrid.model.drains import DrainLaw, PairRead
from cimspice.hybrid.pair_characterisation import spanning_reads
from cimspice.rram import SkywaterReram


@pytest.fixture(scope="module")
def model():
    return column_model(hybrid.packaged_card("rram"))


def test_the_packaged_card_holds_a_pair_and_comes_back(model):
    card = hybrid.packaged_card("rram")
    assert set(card.parts) == {"drains", "states", "thresholds", "offset", "noise", "delay", "energy"}
    assert all(part.source for part in card.parts.values())
    assert card.part("states").origin == "assumed"
    again = column_model(hybrid_card(model, provenance=card.provenance, corner=card.conditions.corner))
    assert again.column == model.column
    assert isinstance(again.lines, PairLines)
    assert again.lines.law.read == model.lines.law.read
    assert hybrid.Spread.of(again).offset == hybrid.Spread.of(model).offset
    thresholds = card.part("thresholds").parameters
    assert (thresholds["upper"].value, thresholds["lower"].value) == pytest.approx((1.5, -1.5), abs=0.1)


@pytest.mark.spice
def test_a_networks_reads_of_pairs_are_decided_in_ngspice_as_in_the_emulator(capsys, tmp_path):
    words = "validate hybrid --cell rram --network iris --reads 2 --epochs 5 -j 1 --json"
    assert run([*words.split(), "-o", str(tmp_path)]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["decisions_equal"] == 1.0
    assert found["near_threshold"] == 0
    assert found["line_worst_percent_full_scale"] < 0.3


def test_the_drain_of_a_clamp_that_conducts_nothing_falls_by_what_its_gate_couples(model):
    law = replace(
        model.lines.law, clamp_current=1e-18, drain_slope=0.0, between_drains=0.0, precharge_coupling=0.0
    )
    cells, inputs = spanning_reads(model.column.weights)
    discharge, _, _ = law(cells[:3], inputs[:3])
    expected = law.clamp_coupling * law.read.clamp_voltage / law.drain_capacitance
    assert discharge == pytest.approx(expected, rel=1e-3)


def test_sums_order_the_differences_and_a_cell_far_from_the_clamp_draws_less(model):
    reader, weights = hybrid.ColumnReader.of(model), model.column.weights
    inputs = (np.arange(weights) % 3 == 0).astype(int)
    opened = np.flatnonzero(inputs)
    cells = np.zeros((9, weights), int)
    for row, total in zip(cells, range(-4, 5), strict=True):
        row[opened[: abs(total)]] = np.sign(total)
    found = reader(cells, inputs)
    assert (np.diff(found.difference, axis=0) > 0).all()
    assert found.codes.tolist() == [-1] * 3 + [0] * 3 + [1] * 3
    near, far = np.zeros((2, weights), int)
    near[opened[:4]] = far[opened[-4:]] = 1
    assert reader(near, inputs).difference[0] > reader(far, inputs).difference[0]


def test_reads_beyond_those_of_the_fit_are_said(model):
    reader, weights = hybrid.ColumnReader.of(model), model.column.weights
    cells = np.zeros((3, weights), int)
    cells[1, : weights // 2] = 1
    inputs = np.zeros((3, weights), int)
    inputs[:2, :20], inputs[2, :2] = 1, 1
    assert reader(cells, inputs).outside.tolist() == [False, True, True]


def test_sums_of_chips_spread_as_the_conductances_of_their_cells_do(model):
    rng, column = np.random.default_rng(0), model.column
    lines = replace(model.lines, low_deviation=0.1, high_deviation=0.3)
    spread = hybrid.Spread.of(replace(model, lines=lines))
    device, count = SkywaterReram.published(), 4000
    low, high = (device.slope(0.0, state) for state in (column.low_state, column.high_state))
    cells = np.array([1, -1, 1, *[0] * 17])
    conducts = np.where(np.stack([cells, -cells]) > 0, low, high) * np.ones((count, 1, 1))
    deviate = np.where(conducts == low, 0.1, 0.3) * rng.standard_normal(conducts.shape)
    currents = (conducts * (1 + deviate)).sum(axis=2)
    wanted = ((currents[:, 0] - currents[:, 1]) / (low - high)).std()
    design = hybrid.Design(hybrid.Ternary(1.5), rows=20)
    drawn = spread.draw({"layer": (design, 20, 1)}, rng, (count,))["layer"]
    weights = np.repeat(cells[None, :, None], 3, axis=2).astype(np.float32)  # three slices
    assert drawn.of(weights).sum(axis=(1, 2)).std() == pytest.approx(wanted, rel=0.06)
    # thresholds: three dummy cells of half a unit each, others in either decision
    assert drawn.upper is not None
    assert drawn.lower is not None
    apart = (drawn.upper - drawn.lower).std()
    assert apart == pytest.approx(np.sqrt(2) * np.sqrt(3) * 0.5 * 0.1, rel=0.03)


@pytest.mark.parametrize(
    ("part", "change"),
    [
        ("drains", lambda part: part.update(data=None)),
        ("drains", lambda part: part["data"].update(line_capacitance="large")),
        ("states", lambda part: part["parameters"].pop("low_deviation")),
        ("states", lambda part: part["parameters"]["high_deviation"].update(unit="S")),
    ],
)
def test_cards_that_make_no_pair_are_refused_with_file_and_remedy(part, change, tmp_path):
    file = hybrid.packaged_card("rram").save(tmp_path / "pair.json")
    content = json.loads(file.read_text())
    change(content["parts"][part])
    file.write_text(json.dumps(content))
    with pytest.raises(CimspiceError) as error:
        hybrid.card(file)
    assert error.value.remedy
    assert "pair.json" in str(error.value.place)


def test_a_fit_to_too_few_reads_and_times_shorter_than_their_edges_are_refused(model):
    cells, inputs = spanning_reads(16)
    law = model.lines.law
    with pytest.raises(FitError, match="9 reads for 35") as error:
        DrainLaw.fit(model.column, law.read, cells[:9], inputs[:9], np.zeros((9, 2, 2)))
    assert "70 or more" in str(error.value.remedy)
    with pytest.raises(ParameterError, match="edges of"):
        PairRead(**{**vars(law.read), "integrate": 5e-11})
