"""Static figures: axes, limits, colours and legends as an engineer reads them."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from figure_checks import check_figure

from cimspice.campaign import Figure
from cimspice.campaign.limits import Limit
from cimspice.cli.app import run
from cimspice.neuron.characterisation.synapse_fit import SynapseConditions, fit_synapse
from cimspice.neuron.report.fit_figure import draw_synapse_fit
from cimspice.report.colours import CORNERS
from cimspice.report.figure import draw
from cimspice.report.style import sheet

UNITS = {"frequency": "Hz", "gain": "dB", "phase": "°", "current": "A", "supply": "V", "margin": "V"}


def table(**columns):
    frame = pd.DataFrame(columns)
    frame.attrs["units"] = {name: UNITS.get(name, "") for name in frame}
    frame.attrs["conditions"] = [name for name in ("corner", "temperature") if name in frame]
    return frame


@pytest.fixture
def low_pass():
    """100 / (1 + jf/10 kHz) from 1 Hz to 100 MHz."""
    frequency = np.logspace(0, 8, 81)
    response = 100 / (1 + 1j * frequency / 1e4)
    return table(
        frequency=frequency, gain=20 * np.log10(np.abs(response)), phase=np.angle(response, deg=True)
    )


def ticks(axis):
    low, high = sorted(axis.get_view_interval())
    places = axis.get_ticklocs()
    return [
        text.get_text()
        for text, place in zip(axis.get_ticklabels(), places, strict=True)
        if low <= place <= high and text.get_text()
    ]


def legend(axes):
    return [text.get_text() for text in axes.get_legend().get_texts()]


def level_lines(axes):
    """Heights of the horizontal lines over the whole width."""
    return [line.get_ydata()[0] for line in axes.lines if list(line.get_xdata()) == [0, 1]]


def test_a_bode_plot_has_decades_in_hertz_decibels_and_degrees_in_two_panels(low_pass, figures, tmp_path):
    draw(low_pass, Figure(x="frequency", y=("gain", "phase")), tmp_path)
    gain, phase = figures[-1].axes
    assert gain.get_xscale() == phase.get_xscale() == "log"
    assert ticks(phase.xaxis) == ["1", "10", "100", "1k", "10k", "100k", "1M", "10M", "100M"]
    assert ticks(gain.yaxis) == ["−40", "−20", "0", "20", "40"]
    assert {"−90", "−45", "0"} <= set(ticks(phase.yaxis))
    assert (gain.get_ylabel(), phase.get_ylabel()) == ("gain (dB)", "phase (°)")


def test_quantities_of_one_unit_share_a_panel_and_are_distinguished(figures, tmp_path):
    supply = np.linspace(1, 2, 5)
    frame = table(supply=supply, read_margin=0.1 * supply, hold_margin=0.3 * supply)
    frame.attrs["units"] |= {"read_margin": "V", "hold_margin": "V"}
    draw(frame, Figure(x="supply", y=("read_margin", "hold_margin")), tmp_path)
    (axes,) = figures[-1].axes
    assert axes.get_ylabel() == "margin (V)"
    assert legend(axes) == ["read margin", "hold margin"]
    assert len({line.get_color() for line in axes.lines}) == 2


def test_an_exponential_current_has_decades_with_prefixes(figures, tmp_path):
    supply = np.linspace(0, 1.2, 25)
    frame = table(supply=supply, current=1e-12 * 10 ** (supply / 0.15))
    draw(frame, Figure(x="supply", y="current", log="y"), tmp_path)
    (axes,) = figures[-1].axes
    assert axes.get_yscale() == "log"
    assert ticks(axes.yaxis) == ["1p", "10p", "100p", "1n", "10n", "100n", "1µ", "10µ", "100µ"]


@pytest.mark.parametrize(("low", "high"), [(1.1, 1.9), (1, 90), (3e-7, 2e-5), (1e-9, 1e4), (0.02, 5e6)])
def test_a_log_axis_of_any_length_has_ticks_that_can_be_read(low, high, figures, tmp_path):
    x = np.geomspace(low, high, 9)
    draw(table(size=x, share=x), Figure(x="size", y="share", log=("x", "y")), tmp_path)
    (axes,) = figures[-1].axes
    assert len(ticks(axes.xaxis)) >= 2
    assert len(ticks(axes.yaxis)) >= 2


def test_limits_are_drawn_and_far_ones_named_at_the_edge(figures, tmp_path):
    frame = table(supply=np.linspace(1, 2, 6), margin=np.linspace(0.1, 0.4, 6))
    limits = [
        Limit(column="margin", minimum=0.05, maximum=40.0),
        Limit(column="supply", maximum=1.95),
    ]
    draw(frame, Figure(x="supply", y="margin"), tmp_path, limits=limits)
    (axes,) = figures[-1].axes
    assert level_lines(axes) == [0.05]
    assert axes.get_ylim()[0] <= 0.05
    assert axes.get_ylim()[1] < 0.6
    assert [text.get_text() for text in axes.texts] == ["min 50 mV", "max 40 V ↑"]


def test_a_limit_of_zero_does_not_break_a_log_axis(figures, tmp_path):
    frame = table(supply=np.linspace(1, 2, 6), margin=np.geomspace(1e-3, 1, 6))
    limits = [Limit(column="margin", minimum=0.0, maximum=3.0)]
    draw(frame, Figure(x="supply", y="margin", log="y"), tmp_path, limits=limits)
    (axes,) = figures[-1].axes
    assert level_lines(axes) == [3.0]
    assert [text.get_text() for text in axes.texts] == ["max 3 V", "min 0 V ↓"]


def test_corners_have_the_same_colours_in_every_figure(figures, tmp_path):
    corners = ["ff", "tt", "sf"]
    frame = table(
        corner=np.repeat(corners, 4), supply=np.tile(np.linspace(1, 2, 4), 3), margin=np.arange(12.0)
    )
    draw(frame, Figure(x="supply", y="margin", by="corner"), tmp_path)
    assert [line.get_color() for line in figures[-1].axes[0].lines] == [CORNERS[name] for name in corners]
    assert len(set(CORNERS.values())) == 5


def test_many_entries_stand_beside_the_axes_by_colour_and_by_line(figures, tmp_path):
    keys = [(corner, t) for corner in CORNERS for t in (-40.0, 27.0, 125.0)]
    frame = pd.concat(
        [
            table(corner=corner, temperature=t, supply=np.linspace(1, 2, 4), margin=t + np.arange(4.0))
            for corner, t in keys
        ],
        ignore_index=True,
    )
    frame.attrs = {"units": UNITS | {"temperature": "°C"}, "conditions": ["corner", "temperature"]}
    draw(frame, Figure(x="supply", y="margin", by=("corner", "temperature")), tmp_path)
    axes = figures[-1].axes[0]
    assert legend(axes) == [*CORNERS, "temperature", "−40 °C", "27 °C", "125 °C"]
    assert len({(line.get_color(), line.get_linestyle()) for line in axes.lines}) == 15


def test_what_else_was_swept_is_said(figures, tmp_path):
    frame = table(
        temperature=np.repeat([27.0, 85.0], 4), supply=np.tile(np.linspace(1, 2, 4), 2), margin=np.arange(8.0)
    )
    draw(frame, Figure(x="supply", y="margin"), tmp_path)
    assert legend(figures[-1].axes[0]) == ["a line for each temperature"]


@pytest.fixture
def synapse():
    """Straight currents of both polarities, 0.4 and 0.67 per volt, over six gate biases each."""
    voltage = np.linspace(0.4, 1.4, 21)
    parts = []
    for polarity, sign, slope, biases in (("n", 1, 0.4, 0.5), ("p", -1, -0.67, 1.1)):
        for step in range(-3, 3):
            current = 1e-7 * 2.0**step * (1 + slope * (voltage - 1.3))
            bias = round(biases + sign * 0.02 * step, 3)
            parts.append(table(polarity=polarity, gate_bias=bias, membrane_voltage=voltage, current=current))
    return pd.concat(parts, ignore_index=True)


def test_the_figure_of_a_synapse_says_which_curve_is_which_bias(synapse, figures, tmp_path):
    synapse["corner"], synapse["temperature"] = "tt", 27.0
    draw_synapse_fit(fit_synapse(synapse, SynapseConditions(unit_current=1e-7)), tmp_path)
    axes = figures[-1].axes
    for upper, middle in ((axes[0], axes[2]), (axes[1], axes[3])):
        assert all(text.endswith("V") for text in legend(upper))
        assert {line.get_color() for line in upper.lines} >= {
            line.get_color() for line in upper.get_legend().get_lines()
        }
        assert {line.get_color() for line in middle.lines[:-1]} == {
            line.get_color() for line in upper.get_legend().get_lines()
        }


def test_the_figure_of_a_named_fit_says_which_curve_is_which_bias(synapse, figures, tmp_path, capsys):
    source, card = tmp_path / "synapse.csv", tmp_path / "card.json"
    synapse[synapse.polarity == "n"].to_csv(source, index=False)
    words = ["fit", source, "--model", "reversal_synapse", "-o", card, "--json"]
    assert run([str(word) for word in words]) == 0
    json.loads(capsys.readouterr().out)
    entries = legend(figures[-1].axes[0])
    assert entries[:3] == ["rows", "model", "gate bias"]
    assert len(entries) == 3 + synapse[synapse.polarity == "n"].gate_bias.nunique()


def test_the_check_of_figures_finds_what_it_is_for():
    with sheet(4, 3) as canvas:
        axes = canvas.add_subplot()
        axes.plot([1, 1000], [1, 1000], label="line")
        axes.set_xscale("log")
        canvas.draw_without_rendering()
        with pytest.raises(AssertionError, match="mathdefault"):
            check_figure(canvas)
        axes.set_xscale("linear")
        axes.legend(loc="center")
        canvas.draw_without_rendering()
        with pytest.raises(AssertionError, match="lies on the axes"):
            check_figure(canvas)
