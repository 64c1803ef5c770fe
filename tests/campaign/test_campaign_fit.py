"""``[[fit]]``: models are fitted after the run, one card each; what cannot be fitted is reported."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from cimspice.campaign.fit_request import FitRequest
from cimspice.campaign.specification import parse_specification
from cimspice.cli.campaign_fit import check_models, fit_campaign
from cimspice.errors import ParameterError
from cimspice.fit import ModelCard

SLOPES = {"tt": 0.2, "ss": 0.3}


def drawn(slope, volts):
    return 2e-5 * (1 + slope * (volts - 1.8))


def table():
    """Curves of two corners at two temperatures, two samples each, with columns of a foreign circuit."""
    line, corners, temperatures, samples = np.linspace(0.6, 1.8, 7), [*SLOPES], (27.0, 85.0), (0, 1)
    rows = [
        {"word_line": 1.8, "line": volts, "drawn": drawn(SLOPES[corner] + 0.02 * sample, volts),
         "corner": corner, "temperature": temperature, "sample": sample}
        for corner in corners for temperature in temperatures for sample in samples for volts in line
    ]  # fmt: skip
    frame = pd.DataFrame(rows)
    frame.attrs = {"units": {"word_line": "V", "line": "V", "drawn": "A"}, "provenance": {"bench": "any"}}
    return frame


COLUMNS = {"gate_bias": "word_line", "membrane_voltage": "line", "current": "drawn"}
OPTIONS = {"polarity": "n", "reset_voltage": 1.8, "window": [0.6, 1.8]}


def request(**given):
    return FitRequest.model_validate(
        {"model": "reversal_synapse", "columns": COLUMNS, "options": OPTIONS, **given}
    )


def test_one_card_for_each_group_with_the_mean_of_its_samples(tmp_path):
    made = fit_campaign(table(), [request(by="corner", where={"temperature": 27})], tmp_path)
    assert not made.problems
    assert [path.name for path in made.cards] == ["reversal_synapse_tt.json", "reversal_synapse_ss.json"]
    for path, slope in zip(made.cards, SLOPES.values(), strict=True):
        card = ModelCard.load(path)
        assert card.parameters["reversal_coefficient"].value == pytest.approx(slope + 0.01, abs=1e-6)
        assert (card.provenance["samples"], card.provenance["temperature"]) == (2, 27.0)
        assert card.provenance["columns"] == COLUMNS


def test_a_fit_that_cannot_be_made_does_not_stop_the_others(tmp_path):
    asked = [request(where={"corner": "ff"}), request(where={"corner": "tt", "temperature": 85, "sample": 0})]
    made = fit_campaign(table(), asked, tmp_path)
    assert len(made.cards) == 1
    assert "no row has corner = ff" in made.problems[0]


def test_the_page_lays_the_card_over_the_columns_that_it_was_made_from(tmp_path):
    from cimspice.report.page_fit import overlay

    made = fit_campaign(table(), [request(by="corner", where={"temperature": 27})], tmp_path)
    found = overlay(ModelCard.load(made.cards[0]), table())
    assert (found.x, found.y, found.by) == ("line", "drawn", "word_line")
    assert len(found.rows) == 2 * 7  # both samples of its corner and temperature
    assert np.abs(found.fitted / found.rows["drawn"] - 1).max() < 0.02


def test_unknown_models_columns_and_options_are_refused_before_anything_is_run():
    for given, reported in (
        ({"model": "reversal_synaps"}, "did you mean 'reversal_synapse'?"),
        ({"columns": {"gate": "word_line"}}, "no column 'gate'"),
        ({"options": {"degre": 3}}, "no option 'degre'"),
    ):
        with pytest.raises(ParameterError, match=reported) as caught:
            check_models([request(), request(**given)], "mine.toml")
        assert caught.value.place.startswith("mine.toml, fit[1]")


def test_columns_that_the_table_will_not_have_are_reported_with_all_other_problems():
    raw = {
        "campaign": {"bench": "transistor"},
        "sweep": {"gate_voltage": [0.9, 1.8]},
        "fit": {"model": "gate_law", "by": ["corner", "width"], "where": {"crner": "tt"}, "degree": 3},
    }
    with pytest.raises(ParameterError) as caught:
        parse_specification(raw)
    assert "fit[0].degree: unknown key" in caught.value.message
    raw["fit"].pop("degree")
    with pytest.raises(ParameterError) as caught:
        parse_specification(raw)
    for reported in ("fit[0].by = 'width'", "fit[0].where = 'crner'"):
        assert reported in caught.value.message


@pytest.mark.spice
def test_the_command_fits_writes_and_reports(tmp_path, capsys):
    from cimspice.cli.app import run

    file = tmp_path / "synapse.toml"
    file.write_text(
        """
        [campaign]
        bench = "neuron_synapse_line"
        [sweep]
        gate_bias = [0.45, 0.5, 0.55, 0.6]
        [[fit]]
        model = "current_dependent_synapse"
        by = "corner"
        options = {polarity = "n"}
        """
    )
    folder = tmp_path / "run"
    assert run(["characterize", str(file), "-o", str(folder), "--jobs", "1", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    (card,) = facts["cards"]
    assert ModelCard.load(card).residual.percent < 0.2
    table = pd.read_parquet(folder / "table.parquet")
    assert table["reversal_coefficient"].between(0.3, 0.5).all()
    assert run(["report", str(folder), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["cards"] == 1
