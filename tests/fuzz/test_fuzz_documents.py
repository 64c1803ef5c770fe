"""Campaign files, cards, run folders: whatever is in them, the reader gives an object or an error of ours."""

from __future__ import annotations

import contextlib
import json
import tomllib
import warnings

import numpy as np
import pandas as pd
import pytest
from fuzz_documents import broken, changed, fuzz, hostile, json_text, seeds, toml_text
from fuzz_watch import watched
from hypothesis import given
from sram_lines import hand_made_fit

from cimspice import families
from cimspice.campaign import read_specification
from cimspice.campaign.load import read_run
from cimspice.crossbar.model.card import Tile, crossbar_card
from cimspice.documents import parse_json, parse_toml
from cimspice.errors import CimspiceError
from cimspice.families import family, with_card
from cimspice.fit import ModelCard, Range, Ranges
from cimspice.fit.family_card import Card, CardConditions
from cimspice.neuron.model.capacitance import SplineCapacitance
from cimspice.neuron.model.card import neuron_card as made_neuron_card
from cimspice.neuron.model.card import neuron_of
from cimspice.neuron.model.comparator import Comparator
from cimspice.neuron.model.current_dependent import CurrentDependentSynapse
from cimspice.neuron.model.ekv import EkvGateLaw
from cimspice.neuron.model.gate_law import PolynomialGateLaw
from cimspice.neuron.model.ramp import Ramp
from cimspice.neuron.model.synapse import ReversalSynapse
from cimspice.neuron.model.voltage_dependent import VoltageDependentSynapse
from cimspice.neuron.training import TrainedNetwork
from cimspice.report.difference import compare_runs
from cimspice.report.page import write_page
from cimspice.rram import RramCell, SinhRead, SkywaterReram, TabulatedAccess
from cimspice.rram.model.card import rram_card
from cimspice.rram.model.write_cost import WriteCost
from cimspice.sram.model.card import sram_card, sram_fit
from cimspice.sram.model.currents import CellCurrents


@pytest.fixture(scope="module")
def campaigns():
    read_specification(families.campaigns()["transistor_iv"])  # imports the benches
    return [tomllib.loads(path.read_text()) for path in families.campaigns().values()]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("fuzz")


@contextlib.contextmanager
def only_our_errors(place):
    """Nothing but a CimspiceError leaves, and nothing is written, run, or read elsewhere."""
    with (
        watched(place),
        warnings.catch_warnings(),
        contextlib.suppress(CimspiceError),
        np.errstate(all="ignore"),
    ):
        warnings.simplefilter("ignore")
        yield


@fuzz()
@given(random=seeds)
def test_campaign_files(campaigns, place, random):
    path = place / "campaign.toml"
    path.write_bytes(toml_text(changed(random.choice(campaigns), random), random))
    with only_our_errors(place):
        assert read_specification(path).points >= 0


@fuzz(0.5)
@given(random=seeds)
def test_overrides(place, random):
    path = families.campaigns()["transistor_iv"]
    names = (
        "width",
        "corners",
        "sweep.zip",
        "campaign",
        "campaign.bench",
        "monte_carlo.samples",
        "parameters",
        "x",
    )
    values = (str(hostile(random)), toml_text({"v": hostile(random)}, random).decode("utf-8", "replace")[6:])
    with only_our_errors(place):
        read_specification(path, [f"{random.choice(names)}={random.choice(values)}" for _ in range(2)])


@fuzz()
@given(random=seeds)
def test_model_cards(cards, place, random):
    path = place / "card.json"
    path.write_bytes(json_text(changed(random.choice(cards), random), random))
    with only_our_errors(place):
        ModelCard.load(path).model()


@pytest.fixture(scope="module")
def cards():
    """Cards of models with numbers, vectors, matrices, knots, and a model inside."""
    seen = Ranges({"current_at_reset": Range(1e-9, 1e-6, "A")})
    biases = Ranges({"gate_bias": Range(0.4, 0.65, "V")})
    found = [
        ReversalSynapse(polarity="p", reversal_coefficient=0.7, ranges=seen),
        CurrentDependentSynapse(polarity="n", coefficients=[0.4, -0.02, -0.003], ranges=seen),
        VoltageDependentSynapse(polarity="p", coefficients=[[0.6, -0.05], [0.03, 0.01]], ranges=seen),
        PolynomialGateLaw(
            polarity="n", coefficients=[-17.0, 3.0], centre=0.525, half_width=0.125, ranges=biases
        ),
        EkvGateLaw(polarity="n", log_specific_current=-14, threshold=0.6, thermal_slope=0.036, ranges=biases),
        Ramp(rate=1.1e6, reversal_coefficient=0.177),
        SplineCapacitance(
            capacitances=[1.41e-13] * 5,
            knots=[0.43, 0.6, 0.8, 1.1, 1.36],
            ranges=Ranges({"membrane_voltage": Range(0.43, 1.36, "V")}),
        ),
        Comparator(threshold=0.43, fixed_delay=5e-10, slope_delay=2e-9, exponent=0.5, reference_slope=1e6),
    ]
    return [
        ModelCard.from_model(one, {"corner": "tt"}).card().model_dump(mode="json", by_alias=True)
        for one in found
    ]


@pytest.fixture(scope="module")
def neuron_card(neuron, place):
    return json.loads(made_neuron_card(neuron).save(place / "good_neuron.json").read_text())


@fuzz(0.1)
@given(random=seeds)
def test_neuron_cards(neuron_card, place, random):
    path = place / "neuron.json"
    path.write_bytes(json_text(changed(neuron_card, random), random))
    with only_our_errors(place):
        neuron_of(Card.load(path))


@pytest.fixture(scope="module")
def bit_lines_card(place):
    voltage = np.linspace(0.0, 1.9, 4)
    fit = hand_made_fit(currents=CellCurrents(voltage, voltage, np.ones((4, 4)), np.zeros((4, 4))))
    return json.loads(sram_card(fit).save(place / "good_lines.json").read_text())


@fuzz(0.5)
@given(random=seeds)
def test_bit_line_cards(bit_lines_card, place, random):
    path = place / "lines.json"
    path.write_bytes(json_text(changed(bit_lines_card, random), random))
    with only_our_errors(place):
        sram_fit(Card.load(path))


@pytest.fixture(scope="module")
def memory_cards():
    """A memory with a cell, and a crossbar of it."""
    points = np.linspace(0.0, 3.0, 5)
    grid = np.add.outer(np.add.outer(points, points), points)
    transistor = TabulatedAccess(
        gate=points,
        low=points,
        across=points,
        currents=1e-4 * grid * points,
        drain=points,
        capacitances=np.full((5, 5), 1e-15),
    )
    device, law = SkywaterReram.published(), SinhRead(conductance=5e-5, curvature=2.0, series_resistance=0.0)
    read, conditions = ModelCard.from_model(law, {"device": "skywater"}), CardConditions(corner="tt")
    cell = RramCell(device=device, transistor=transistor, inner_capacitance=0.0)
    memory = rram_card(device, read, cell, WriteCost(), conditions=conditions)
    made = memory, crossbar_card(Tile(read=read), conditions, {})
    for card in made:
        family(card.family).check(card)
    return [card.model_dump(mode="json", by_alias=True) for card in made]


@fuzz()
@given(random=seeds)
def test_memory_and_crossbar_cards(memory_cards, place, random):
    path = place / "memory.json"
    path.write_bytes(json_text(changed(random.choice(memory_cards), random), random))
    with only_our_errors(place):
        card = Card.load(path)
        family(card.family if card.family in with_card() else "rram").check(card)


@pytest.fixture(scope="module")
def trained(place):
    network = TrainedNetwork(
        weights=[np.array([[0.1, -0.2], [0.3, 0.4]]), np.array([[0.5, -0.6]])],
        e_plus=2.0,
        e_minus=-2.0,
        ramp_beta=0.5,
        train_accuracy=0.9,
        test_accuracy=0.8,
        train_index=np.arange(3),
        test_index=np.arange(3, 5),
        history={"loss": [1.0, 0.5]},
    )
    network.save(place / "good_network.json")
    return json.loads((place / "good_network.json").read_text())


@fuzz()
@given(random=seeds)
def test_trained_networks(trained, place, random):
    path = place / "network.json"
    path.write_bytes(json_text(changed(trained, random), random))
    with only_our_errors(place):
        TrainedNetwork.load(path)


@fuzz(2)
@given(random=seeds)
def test_documents(campaigns, random):
    document = changed(random.choice(campaigns), random)
    for parse, content in (
        (parse_json, json_text(document, random)),
        (parse_toml, toml_text(document, random)),
    ):
        with contextlib.suppress(ValueError):
            parse(content)


@pytest.fixture(scope="module")
def run(place):
    """A run folder, and what its run.json holds."""
    folder = place / "run"
    folder.mkdir()
    rows = [(c, 27.0, s, 1e-9 * (s + 1)) for c in ("tt", "ss") for s in range(3)]
    table = pd.DataFrame(rows, columns=["corner", "temperature", "sample", "delay"])
    provenance = {"ngspice": "39", "pdk": "sky130", "design": {"bench/x": "ab12"}}
    table.attrs = {
        "units": {"delay": "s"},
        "conditions": ["corner", "temperature", "sample"],
        "provenance": provenance,
    }
    table.to_parquet(folder / "table.parquet")
    record = {
        "campaign": {"bench": "x", "title": "A run", "parameters": {"width": 1e-6}, "corners": ["tt", "ss"]},
        "points": 7,
        "failed": 1,
        "units": {"delay": "s"},
        "provenance": provenance,
        "figures": [{"x": "sample", "y": "delay", "by": ["corner"]}],
        "limits": [{"column": "delay", "minimum": 0.8e-9, "maximum": 1.3e-9}],
        "failures": [{"corner": "ss", "temperature": 27, "error": "NonConvergence", "message": "timestep"}],
    }
    return folder, record, (folder / "table.parquet").read_bytes()


def write_changed_run(run, random):
    folder, record, table = run
    (folder / "run.json").write_bytes(json_text(changed(record, random), random))
    (folder / "table.parquet").write_bytes(table)


@fuzz()
@given(random=seeds)
def test_run_records(run, place, random):
    write_changed_run(run, random)
    with only_our_errors(place):
        read_run(run[0])


@fuzz()
@given(random=seeds)
def test_run_tables(run, place, random):
    folder, record, table = run
    (folder / "run.json").write_text(json.dumps(record))
    (folder / "table.parquet").write_bytes(broken(table, random))
    with only_our_errors(place):
        assert isinstance(read_run(folder).table, pd.DataFrame)


@fuzz(0.05)
@given(random=seeds)
def test_pages_and_comparisons_of_runs(run, place, random):
    write_changed_run(run, random)
    with contextlib.suppress(CimspiceError), warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        compare_runs(run[0], run[0])
        page = write_page(run[0], place / "page.html").path.read_text()
        assert page.count("<script") == page.count("</script")
        assert page.count("<script>alert") == 0
