from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

from cimspice.campaign import Figure
from cimspice.errors import CimspiceError, TableError
from cimspice.report.figure import draw


@pytest.fixture
def table():
    rows = [
        {"corner": corner, "gate_bias": bias, "drain_voltage": x, "drain_current": 1e-6 * bias * x}
        for corner in ("tt", "ss")
        for bias in np.linspace(0.4, 1.0, 7)
        for x in np.linspace(0.0, 1.8, 10)
    ]
    frame = pd.DataFrame(rows)
    frame.attrs["units"] = {"gate_bias": "V", "drain_voltage": "V", "drain_current": "A", "corner": ""}
    return frame


def figure(**changed):
    return Figure(**{"x": "drain_voltage", "y": "drain_current", "name": "curves", **changed})


def texts(svg):
    return re.findall(r"<text[^>]*>([^<]+)</text>", svg.read_text())


def test_figure_is_written_as_png_and_svg_with_units_on_its_axes(table, tmp_path):
    png, svg = draw(table, figure(title="Output curves"), tmp_path / "figures")
    assert png.read_bytes().startswith(b"\x89PNG")
    shown = texts(svg)
    assert {"drain voltage (V)", "drain current (µA)", "Output curves", "1.75"} <= set(shown)
    assert sorted(path.name for path in png.parent.iterdir()) == ["curves.png", "curves.svg"]


def test_few_lines_are_named_in_the_legend(table, tmp_path):
    _, svg = draw(table[table.gate_bias > 0.85], figure(by=("gate_bias", "corner")), tmp_path)
    assert {"0.9 V, tt", "0.9 V, ss", "1 V, tt", "1 V, ss"} <= set(texts(svg))


def test_a_line_never_runs_through_several_corners(table, tmp_path):
    table.attrs["conditions"] = ["corner", "gate_bias"]
    chosen = table[table.gate_bias > 0.95]

    _, split = draw(chosen, figure(by="gate_bias", name="split"), tmp_path)
    _, named = draw(chosen, figure(by=("gate_bias", "corner"), name="named"), tmp_path)
    assert texts(split).count("1 V") == 1
    assert split.read_text().count("stroke-width: 1.2") == named.read_text().count("stroke-width: 1.2") - 1


def test_many_values_of_a_number_get_a_colour_bar_and_the_styles_a_legend(table, tmp_path):
    _, svg = draw(table, figure(by=("gate_bias", "corner")), tmp_path)
    shown = texts(svg)
    assert "gate bias (V)" in shown
    assert {"tt", "ss"} <= set(shown)
    assert not any("0.9 V, tt" in text for text in shown)


def test_log_axis_and_default_name(table, tmp_path):
    png, svg = draw(table, figure(name="", log=("y",)), tmp_path, default_name="figure_1")
    assert png.name == "figure_1.png"
    assert {"100n", "1µ", "drain current (A)"} <= set(texts(svg))


def test_the_same_table_gives_the_same_files(table, tmp_path):
    one = draw(table, figure(by="corner"), tmp_path / "one")
    two = draw(table, figure(by="corner"), tmp_path / "two")
    assert [path.read_bytes() for path in one] == [path.read_bytes() for path in two]


def test_what_cannot_be_drawn_is_refused(table, tmp_path):
    with pytest.raises(TableError, match="no column 'suply'"):
        draw(table, figure(x="suply"), tmp_path)
    with pytest.raises(TableError, match="holds no numbers"):
        draw(table, figure(y="corner"), tmp_path)
    with pytest.raises(TableError, match="no value to draw on a log axis"):
        draw(table.assign(drain_current=-table.drain_current), figure(log="y"), tmp_path)
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(CimspiceError, match="cannot write"):
        draw(table, figure(), blocked)


def test_conditions_that_are_lists_or_tables_split_lines_like_any_other(table, tmp_path):
    table["voltages"] = [[1.3, 0.9] if row % 2 else [1.3] for row in range(len(table))]
    table["circuit"] = [{"supply": 1.8}] * len(table)
    table.attrs["conditions"] = ["corner", "gate_bias", "voltages", "circuit"]
    _, svg = draw(table, figure(by=("corner",)), tmp_path)
    lines = re.findall(r'<g id="line2d_\d+">\s*<path d="M[^"]*" clip-path', svg.read_text())
    assert len(lines) >= 2 * 7 * 2  # corners, gate biases, lists of voltages


def test_a_colour_bar_names_unevenly_spaced_values(table, tmp_path):
    table["gate_bias"] = table["gate_bias"] ** 4
    _, svg = draw(table, figure(by=("gate_bias", "corner")), tmp_path)
    assert {f"{value:.4g} V" for value in table["gate_bias"]} <= set(texts(svg))


def test_axes_that_were_swept_together_do_not_split_a_line(tmp_path):
    frame = pd.DataFrame(
        {"supply_voltage": [1.2, 1.5, 1.8], "word_line_voltage": [1.2, 1.5, 1.8], "margin": [1, 2, 3]}
    )
    frame.attrs["conditions"] = ["supply_voltage", "word_line_voltage"]
    _, together = draw(frame, Figure(x="supply_voltage", y="margin", name="together"), tmp_path)
    _, alone = draw(
        frame.drop(columns="word_line_voltage"),
        Figure(x="supply_voltage", y="margin", name="alone"),
        tmp_path,
    )
    assert together.read_text() == alone.read_text()


def test_a_loop_is_drawn_as_it_was_measured(tmp_path, figures):
    voltage = np.concatenate([np.linspace(0, 1, 5), np.linspace(1, 0, 5)])
    rows = [
        {"rate": rate, "voltage": v, "current": (1 + (i >= 5)) * v * rate}
        for rate in (1.0, 2.0)
        for i, v in enumerate(voltage)
    ]
    frame = pd.DataFrame(rows)
    frame.attrs["conditions"] = ["rate"]
    draw(frame, Figure(x="voltage", y="current", name="loop", by=("rate",)), tmp_path)
    drawn = [line.get_xdata() for line in figures[-1].axes[0].lines if len(line.get_xdata()) == 10]
    assert len(drawn) == 2
    for x in drawn:
        np.testing.assert_array_equal(x, voltage)
