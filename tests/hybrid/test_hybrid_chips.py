"""Networks on chips whose comparators have offsets and whose cells differ."""

from __future__ import annotations

import json

import numpy as np
import pytest

from cimspice.cli.app import run
from cimspice.errors import ParameterError
from cimspice.hybrid import Binary, ColumnNetwork, Design, Deviations, Spread, Ternary, shares_right
from cimspice.hybrid.emulator.columns import codes_of
from cimspice.hybrid.mapping.slices import FORMATS
from cimspice.hybrid.model.column import LineLaw
from cimspice.hybrid.training.train import Schedule
from cimspice.hybrid.validation.chips import stacked, study_chips
from cimspice.network import built_in


def test_one_comparator_has_the_same_offset_in_both_decisions_and_two_have_their_own():
    rng = np.random.default_rng(0)
    for independent in (False, True):
        layer = (Design(Ternary(1.5, independent)), 64, 500)
        chip = Spread(offset=0.5).draw({"layer": layer}, rng)["layer"]
        assert chip.upper.shape == (1, 1, 1, 3, 500)  # static: one for all input bits and samples
        assert chip.upper.std() == pytest.approx(0.5, rel=0.1)
        together = np.corrcoef(chip.upper.ravel(), chip.lower.ravel())[0, 1]
        assert abs(together) < 0.15 if independent else together == pytest.approx(1)


@pytest.mark.parametrize(("form", "share"), [("-4..3", np.sqrt(0.5)), ("odd", 1.0)])
def test_a_weight_of_two_cells_of_half_a_unit_deviates_less_than_one_of_a_single_cell(form: str, share):
    layer = (Design(Ternary(), weights=FORMATS[form]), 64, 100)
    cells = Spread(cell=0.1).draw({"layer": layer}, np.random.default_rng(0))["layer"].cells
    assert cells.std() == pytest.approx(0.1 * share, rel=0.05)


def test_offsets_move_both_decisions_the_same_way():
    sums = np.arange(-3.0, 4.0)
    chip = Deviations(upper=np.array(0.7), lower=np.array(0.7))
    assert codes_of(sums, Ternary(1.5), np.ones(1), chip).tolist() == [-1, 0, 0, 0, 1, 1, 1]
    assert codes_of(sums, Binary(), np.ones(1), chip).tolist() == [-1, -1, 1, 1, 1, 1, 1]


def test_chips_on_a_leading_axis_are_each_what_they_are_alone():
    built = built_in("iris")
    design = Design(Ternary(0.5), rows=8)
    network = ColumnNetwork(built.network, design, built.x_train)
    network.start_scales(built.x_train)
    spread = Spread(offset=0.4, cell=0.1)
    chips = [spread.draw(network.layer_shapes, np.random.default_rng(n)) for n in range(3)]
    alone = [shares_right(network, built.x_test, built.y_test, chip) for chip in chips]
    assert shares_right(network, built.x_test, built.y_test, stacked(chips)).tolist() == alone
    assert len(set(alone)) > 1


def test_training_that_knows_the_offsets_holds_on_chips_and_calibration_adds_to_it():
    design = Design(Ternary(1.5), shared="slice")
    found = study_chips(
        "digits-64",
        design,
        Spread(offset=0.7, cell=0.1),
        chips=6,
        seeds=(0,),
        schedule=Schedule(epochs=30),
        calibration=Schedule(epochs=5),
    )
    assert found.aware.mean() > found.plain.mean() + 0.02
    assert found.calibrated.mean() > found.aware.mean()
    assert found.aware.min() > 0.8
    with pytest.raises(ParameterError, match="chips"):
        study_chips("digits-64", design, Spread(), chips=1, seeds=(0, 1))


def test_command_prints_three_ways_of_training_on_the_same_chips(capsys, tmp_path):
    words = ["validate", "hybrid", "--network=iris", "--chips=2", "--seeds=1", "--offset-sigma=0.7"]
    assert run([*words, "--json", "-o", str(tmp_path)]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["chips"] == 2
    assert found["offset_sigma_cells"] == 0.7
    assert 0.05 < found["cell_sigma"] < 0.2  # of the foundry's cell in ngspice
    for way in ("plain", "aware", "aware_calibrated"):
        assert found[way]["worst"] <= found[way]["value"] <= 1
        assert len(found[way]["interval"]) == 2


@pytest.mark.parametrize(
    ("words", "remedy"),
    [
        ("", "--chips"),
        ("--chips 5 --dummies 2", "odd number"),
        ("--chips 5 --dummies 7", "rows or more"),
        ("--chips 2 --seeds 3 --offset-sigma 0.4", "at least 3"),
        ("--chips 5 --offset-sigma -1", "at least 0"),
        ("--chips 5 --offset-sigma nan", "at least 0"),
        ("--chips 5 --corner xx", "tt"),
    ],
)
def test_chips_that_cannot_be_are_refused_with_a_remedy(words, remedy, capsys, tmp_path):
    assert run(["validate", "hybrid", *words.split(), "--json", "-o", str(tmp_path)]) == 2
    assert remedy in json.loads(capsys.readouterr().out)["error"]["remedy"]


def test_law_of_the_lines_shifts_thresholds_with_the_number_of_open_weights():
    sums, active = (each.ravel() for each in np.meshgrid(np.arange(-4, 5), np.arange(4, 41, 4)))
    unit = 11e-3 * (1 - 2e-3 * (active - 20))  # compression
    difference = np.stack([unit * (sums - 1.5), 0.95 * unit * (sums + 1.25)], axis=1)
    law = LineLaw.fit(sums, active, difference, 1.5)
    for coefficients, crossing, theta in ((law.upper, 1.5, 1.5), (law.lower, -1.25, -1.5)):
        assert law.at(coefficients, np.array(crossing), np.array(20.0)) == pytest.approx(theta, abs=0.01)
    chip = Deviations(law=law, upper=np.array(0.0), lower=np.array(-0.1))
    found = codes_of(np.array([-1.3, -1.4]), Ternary(1.5), np.ones(1), chip, active=np.array(20.0))
    assert found.tolist() == [-1, -1]  # beyond −1.25, and its offset
    assert codes_of(np.array([-1.3]), Ternary(1.5), np.ones(1)).tolist() == [0]


def test_network_on_lines_that_add_up_exactly_is_that_of_integers():
    built = built_in("iris")
    network = ColumnNetwork(built.network, Design(Ternary(0.5), rows=8), built.x_train)
    network.start_scales(built.x_train)
    exact = LineLaw(*np.eye(6)[[1, 1]])
    chip = {name: Deviations(law=exact) for name in network.layers}
    assert np.array_equal(network.forward(built.x_test, chip), network.forward(built.x_test))
