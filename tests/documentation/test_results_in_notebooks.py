"""What a result shows of itself in a notebook, and the line of a computation's progress."""

import io
import json
import re

import numpy as np
import pandas as pd

from cimspice.campaign.load import Record, Run
from cimspice.fit import ModelCard
from cimspice.fit.family_card import Card
from cimspice.neuron.model.comparator import Comparator
from cimspice.notebook import shown
from cimspice.progress import Bar, Progress


def comparator_fit():
    slope = np.geomspace(1e5, 1e7, 9)
    table = pd.DataFrame({"slope": slope, "delay": 2e-9 + 1e-9 * (slope / 1e6) ** -0.5, "threshold": 0.44})
    return Comparator.fit(table)


def test_a_fit_and_its_card_show_figures_with_intervals():
    fit = comparator_fit()
    for result in (fit, ModelCard.from_fit(fit)):
        text = result._repr_html_()
        assert "comparator" in text
        assert re.search(r"<td>fixed_delay</td><td>2e-09</td><td>[^<]+, [^<]+</td><td>s</td>", text)


def test_a_family_card_shows_its_parts():
    figure = {"value": 2.888, "interval": [2.886, 2.89], "unit": "1"}
    card = Card(family="neuron", parts={"synapse_n": {"origin": "measured", "parameters": {"E+": figure}}})
    assert "<td>synapse_n</td><td>measured</td><td>E+</td><td>2.888</td>" in card._repr_html_()


def test_a_run_shows_counts_and_its_first_rows(tmp_path):
    table = pd.DataFrame({"voltage": np.linspace(0, 1, 40)})
    record = Record.model_validate(json.loads('{"campaign": {"title": "A <b>run</b>"}, "points": 40}'))
    text = Run(tmp_path, table, record)._repr_html_()
    assert "A &lt;b&gt;run&lt;/b&gt;" in text  # a stranger's words are no HTML
    assert "<td>points</td><td>40</td>" in text
    assert text.count("<tr>") < 30


def test_a_picture_is_in_the_page_itself(tmp_path):
    def draw(folder):
        (folder / "a.png").write_bytes(b"picture")
        return [folder / "a.svg", folder / "a.png"]

    assert "data:image/png;base64,cGljdHVyZQ==" in shown("title", {}, draw=draw)


def test_the_line_of_progress_has_stages_and_counts():
    stream = io.StringIO()
    bar = Bar(stream)
    bar(Progress(stage="characterise"))
    for done in range(5):
        bar(Progress(stage="simulate", points=4, done=done, cached=1))
    first, second = stream.getvalue().split("\n")
    assert first == "\rcharacterise"
    assert second.startswith("\r" + "░" * 24 + " 0/4, 1 known simulate")
    assert second.endswith("\r" + "█" * 24 + " 4/4, 1 known simulate")
