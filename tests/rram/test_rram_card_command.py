"""``characterize rram --card``, measured curves in the card, and the commands that compute with it."""

from __future__ import annotations

import json
from pathlib import Path
from shutil import copy

import numpy as np
import pandas as pd
import pytest

from cimspice.cli.app import run
from cimspice.fit import ModelCard
from cimspice.fit.family_card import Card
from cimspice.rram import AccessTransistor, SinhRead, SkywaterReram
from cimspice.rram import map as map_conductances
from cimspice.rram.model.card import cell_of
from cimspice.rram.model.write_cost import WriteCost

LAW = AccessTransistor(
    log_gain=-7.0,
    threshold=0.9,
    body_factor=0.5,
    surface_potential=0.7,
    slope_factor=1.4,
    mobility_loss=0.3,
    mobility_curvature=-0.02,
    velocity_saturation=0.8,
    channel_modulation=0.2,
    modulation_voltage=0.3,
    drain_lowering=0.02,
)


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("made") / "rram.json"
    assert run(["characterize", "rram", "--card", str(path), "--json"]) == 0
    return path


@pytest.fixture
def card(made, tmp_path) -> Path:
    """A copy that a test may change."""
    return Path(copy(made, tmp_path))


@pytest.fixture
def asked(capsys):
    """What a command prints with ``--json``."""

    def ask(*words: object) -> dict:
        capsys.readouterr()
        assert run([*map(str, words), "--json"]) == 0
        return json.loads(capsys.readouterr().out)

    return ask


def refused(capsys, *words: object) -> str:
    capsys.readouterr()
    assert run([*map(str, words)]) == 2
    return capsys.readouterr().err


@pytest.mark.spice
def test_every_part_says_where_its_figures_come_from(card, asked):
    facts = asked("card", "show", card)
    parts = facts["parts"]
    assert facts["family"] == "rram"
    assert facts["conditions"] == {"corner": "tt", "temperature": 27.0}
    assert {name: part["origin"] for name, part in parts.items()} == {
        "device": "assumed", "read": "simulated", "access": "simulated", "write_cost": "simulated"
    }  # fmt: skip
    for part in parts.values():
        assert part["source"]
        for record in part["parameters"].values():
            assert record["interval"] is not None or record["reason"]
    # the filament model's current is a hyperbolic sine of V/V0
    curvature = parts["read"]["parameters"]["curvature"]
    assert curvature["value"] == pytest.approx(1 / SkywaterReram.published().voltage_scale, rel=1e-9)
    assert curvature["interval"][0] <= curvature["value"] <= curvature["interval"][1]
    seen = parts["read"]["range"]["voltage"]
    assert [seen["low"], seen["high"]] == pytest.approx([-0.3, 0.3])
    assert seen["unit"] == "V"
    assert parts["read"]["source"]["bench"] == "rram_read_iv"


@pytest.mark.spice
def test_programming_with_the_card_is_that_without_it_to_the_last_digit(card, asked, tmp_path):
    words = ["validate", "programming", "--size", 2, "-o", tmp_path / "out"]
    plain, with_card = asked(*words), asked(*words, "--card", card)
    for facts in (plain, with_card):
        facts["ngspice"].pop("cpu_seconds")
    assert with_card == plain


@pytest.mark.spice
def test_the_cards_cell_writes_as_the_circuit_does_and_another_transistor_does_not(card, asked, tmp_path):
    words = ["validate", "rram", "--pulses", 8, "--card", card, "-o", tmp_path / "out"]
    found = asked(*words)
    assert found["pulses"] == 8
    assert found["state_worst"] < 1e-3
    assert found["conductance_error"] < 2e-3
    assert found["energy_error"] < 2e-3
    assert found["read_error"] < 1e-9  # the filament's current is the law
    content = json.loads(card.read_text())
    content["provenance"]["circuit"]["width"] *= 1.1  # what is simulated; the emulator's is as it was
    card.write_text(json.dumps(content))
    assert asked(*words)["conductance_error"] > 2e-2


@pytest.mark.spice
def test_conductances_are_mapped_by_write_verify_on_the_cards_cell(card):
    target = np.array([[8e-6, 20e-6], [35e-6, 55e-6]])
    record = map_conductances(target, Card.load(card))
    assert record.done.all()
    np.testing.assert_allclose(record.conductance, target, rtol=0.05)
    assert record.set_pulses.max() <= 5
    cell = cell_of(Card.load(card))
    np.testing.assert_array_equal(cell.conductance(record.state), record.conductance)


@pytest.mark.spice
def test_a_measured_read_law_takes_the_place_of_the_simulated_one(card, asked, tmp_path):
    volts = np.linspace(-0.4, 0.4, 41)
    truth = SinhRead(conductance=4e-5, curvature=3.1, series_resistance=0.0)
    noise = 1 + 1e-4 * np.random.default_rng(3).standard_normal(volts.size)
    curve = pd.DataFrame({"V (mV)": 1e3 * volts, "I (uA)": 1e6 * truth.current(volts) * noise})
    curve.to_csv(tmp_path / "probe.csv", index=False)
    words = ["fit", tmp_path / "probe.csv", "--model", "rram_read_sinh", "--fix", "series_resistance=0"]
    reported = asked(*words, "--card", card)
    assert (reported["part"], reported["origin"], reported["source"]["file"]) == (
        "read",
        "measured",
        "probe.csv",
    )
    assert len(reported["source"]["sha256"]) == 64
    assert reported["range"]["voltage"]["high"] == pytest.approx(0.4)
    low, high = reported["parameters"]["curvature"]["interval"]
    assert low < 3.1 < high
    short = ["--hidden", 8, "--digits", 1, "--nonlinear-digits", 1, "--no-sweep", "-o", tmp_path]
    found = asked("validate", "crossbar", *short, "--card", card)
    assert found["cells"]["nonlinearity"] == reported["parameters"]["curvature"]["value"]
    assert found["cells"]["device"] == "probe.csv"
    assert found["error_vs_ngspice_nonlinear"] < 1e-8


@pytest.mark.spice
def test_a_measured_access_transistor_makes_the_cell_that_the_emulator_computes_with(card, asked, tmp_path):
    rows = [
        (gate, drain, source, float(LAW.current(gate, drain, source)))
        for gate in np.arange(0.6, 3.7, 0.3)
        for source in np.arange(0.0, 2.1, 0.5)
        for drain in np.arange(source + 0.1, 2.7, 0.2)
    ]
    names = ["gate_voltage_V", "drain_voltage_V", "source_voltage_V", "current_A"]
    pd.DataFrame(rows, columns=names).to_csv(tmp_path / "nmos.csv", index=False)
    before = cell_of(Card.load(card))
    reported = asked("fit", tmp_path / "nmos.csv", "--model", "access", "--card", card)
    assert reported["origin"] == "measured"
    assert reported["range"]["gate_voltage"]["high"] == pytest.approx(3.6)
    assert reported["parameters"]["threshold"]["value"] == pytest.approx(0.9, abs=1e-4)
    assert reported["parameters"]["threshold"]["interval"] is not None
    cell = cell_of(Card.load(card))
    gate, drain = np.meshgrid([1.4, 2.2, 3.3], [0.1, 0.7, 2.2])
    np.testing.assert_allclose(
        cell.transistor.current(gate, drain, 0.0), LAW.current(gate, drain, 0.0), rtol=2e-3
    )
    assert reported["parameters"]["on_resistance"]["value"] == pytest.approx(
        0.1 / LAW.current(3.3, 0.1, 0.0), rel=1e-3
    )
    # the charge of the node is still that of the simulated transistor
    np.testing.assert_array_equal(
        cell.transistor.capacitance(gate, drain), before.transistor.capacitance(gate, drain)
    )
    state = np.array([0.5, 0.9])
    assert not np.allclose(cell.conductance(state), before.conductance(state), rtol=1e-3)


@pytest.mark.spice
def test_the_cost_of_a_write_is_read_from_the_memorys_card(card, asked, tmp_path):
    cost = ModelCard.load(card, WriteCost).model_of(WriteCost)
    np.save(tmp_path / "weights.npy", np.random.default_rng(0).normal(size=(6, 5)))
    words = ["--network", tmp_path / "weights.npy", "--rows", 8, "--crossbars", 2, "--write-cost", card]
    assert asked("program", *words)["write_cost"]["set_energy"] == cost.set_energy
    assert 1e-11 < cost.set_energy < 1e-9


@pytest.mark.spice
def test_what_does_not_belong_there_is_refused(card, tmp_path, capsys):
    (tmp_path / "iv.csv").write_text("voltage,current\n-0.1,-1e-6\n0.1,1e-6\n0.2,2.1e-6\n")
    assert "no measured curve makes the part 'write_cost'" in refused(
        capsys, "fit", tmp_path / "iv.csv", "--model", "write_cost", "--card", card
    )
    (tmp_path / "hot.csv").write_text(
        "voltage,current,temperature\n-0.2,-2.1e-6,85\n0.1,1e-6,85\n0.2,2.1e-6,85\n"
    )
    words = ["--fix", "series_resistance=0", "--card", card]
    assert "of temperature 85.0, not 27.0" in refused(
        capsys, "fit", tmp_path / "hot.csv", "--model", "read", *words
    )
    assert "of corner 'tt', not 'ss'" in refused(
        capsys, "validate", "programming", "--corner", "ss", "--card", card, "-o", tmp_path
    )
    content = json.loads(card.read_text())
    content["parts"]["access"]["parameters"]["on_resistance"]["value"] *= 1.1
    card.write_text(json.dumps(content))
    assert "its data say" in refused(capsys, "card", "show", card)


@pytest.mark.spice
def test_a_memory_without_a_cell_has_a_card_of_its_read_law_alone(tmp_path, asked, capsys):
    path = tmp_path / "memory.json"
    make = ["characterize", "rram", "--card", path, "--set"]
    assert "no setting 'devise'" in refused(capsys, *make, "devise=vteam")
    assert "unknown device 'flux'" in refused(capsys, *make, "device=flux")
    reported = refused(capsys, *make, "device=stanford_pku", "--set", "width=1e-6")
    assert "a card of stanford_pku has no 1T1R cell" in reported
    assert not path.exists()
    assert asked(*make, "device=stanford_pku")["cards"] == [str(path)]
    assert [*asked("card", "show", path)["parts"]] == ["device", "read"]
    found = asked("validate", "rram", "--card", path, "-o", tmp_path / "out")
    assert found["pulses"] is None
    assert found["read_error"] < 1e-3
    assert "the card says its own" in refused(capsys, "validate", "rram", "--card", path, "--corner", "ss")
