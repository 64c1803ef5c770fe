"""The neuron's tables: what a model built from them promises to whoever evaluates it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from cimspice.errors import FitError, MappingError, TableError
from cimspice.neuron.model.build import COLUMNS, neuron_model
from cimspice.neuron.model.readout import ReadoutModel
from cimspice.neuron.model.separable import SeparableTable

FINITE = {"allow_nan": False, "allow_infinity": False}


def smooth(program, x):
    """A known law that is no finite sum of products: exponential in the program, bent in x."""
    return np.exp(3 * program) * (np.tanh(2 * x) + 0.1 * np.sin(4 * program * x))


def smooth_table(programs=25, points=81, **options) -> SeparableTable:
    program, x = np.linspace(0, 2, programs), np.linspace(-1, 2, points)
    return SeparableTable(program, x, smooth(program[:, None], x), np.exp(3 * program), **options)


@given(
    values=arrays(
        float, st.tuples(st.integers(2, 9), st.integers(2, 9)), elements=st.floats(-5, 5, **FINITE)
    ),
    decades=st.integers(0, 12),
    tolerance=st.sampled_from([1e-1, 1e-3, 2e-6]),
)
def test_sum_of_products_equals_the_table_at_its_nodes_within_its_tolerance(values, decades, tolerance):
    programs, points = values.shape
    scale = np.logspace(-decades, 0, programs)
    table = SeparableTable(np.arange(programs), np.arange(points), values * scale[:, None], scale, tolerance)
    error = np.abs(table(table.program[:, None], table.x) - table.values) / scale[:, None]
    assert error.max() <= tolerance * np.abs(values).max() + 1e-12


def test_tolerance_buys_shorter_sums():
    terms = [smooth_table(tolerance=tolerance).terms for tolerance in (1e-1, 1e-4, 1e-7)]
    assert terms == sorted(terms)
    assert terms[0] < terms[-1] < 25


def test_between_its_nodes_the_table_follows_a_smooth_law_with_the_cubic_spline_order():
    rng = np.random.default_rng(0)
    program, x = rng.uniform(0, 2, 400), rng.uniform(-1, 2, 400)
    exact = smooth(program, x)

    def error(programs, points):
        return np.max(
            np.abs(smooth_table(programs, points, tolerance=1e-12)(program, x) - exact) / np.exp(3 * program)
        )

    coarse, fine = error(25, 81), error(49, 161)
    assert fine < 1e-5
    assert coarse / fine > 14  # order four halves the step for a sixteenth of the error


def test_weights_sum_over_synapses_as_a_matrix_product_and_leave_out_masked_ones():
    table = smooth_table()
    rng = np.random.default_rng(1)
    program, mask = rng.uniform(0, 2, (5, 3)), rng.random((5, 3)) < 0.6
    program[~mask] = np.nan  # what a masked synapse is programmed with must not matter
    weights = table.weights(program, mask)
    assert weights.shape == (table.terms, 5, 3)
    summed = np.einsum("kin,xk->xn", weights, table.basis(np.array([-0.3, 0.4])))
    for neuron in range(3):
        driven = program[mask[:, neuron], neuron]
        for row, x in enumerate((-0.3, 0.4)):
            np.testing.assert_allclose(
                summed[row, neuron], np.sum(table(driven, np.array(x))), rtol=1e-12, atol=1e-12
            )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"values": [[1.0, np.nan], [1.0, 1.0]]}, "values holds values that are not finite"),
        ({"values": [[1.0, np.inf], [1.0, 1.0]]}, "values holds"),
        ({"program": [0.0, np.nan]}, "program holds"),
        ({"scale": [1.0, np.nan]}, "scale holds"),
        ({"program": [1.0, 0.0]}, "does not increase"),
        ({"program": [0.0, 0.0]}, "does not increase"),
        ({"x": [0.0, 0.0]}, "does not increase"),
        ({"x": [1.0, 0.0]}, "does not increase"),
        ({"values": [[1.0, 1.0]]}, r"shape \(1, 2\)"),
        ({"scale": [1.0]}, r"\(1,\)"),
        ({"scale": [1.0, 0.0]}, "not positive"),
        ({"scale": [1.0, -1.0]}, "not positive"),
    ],
)
def test_table_that_cannot_be_interpolated_is_refused(change, message):
    good = {"program": [0.0, 1.0], "x": [0.0, 1.0], "values": [[1.0, 1.0], [1.0, 1.0]], "scale": [1.0, 1.0]}
    SeparableTable(**good)
    with pytest.raises(TableError, match=message):
        SeparableTable(**{**good, **change})


def test_table_cannot_be_changed_behind_the_back_of_what_was_computed_from_it():
    values = np.ones((2, 2))
    table = SeparableTable(np.arange(2.0), np.arange(2.0), values, np.ones(2))
    values[0, 0] = 7.0
    assert table.values[0, 0] == 1.0
    with pytest.raises(ValueError, match="read-only"):
        table.values[0, 0] = 7.0


@pytest.mark.parametrize("name", list(COLUMNS))
def test_missing_table_or_column_is_named(neuron_tables, name):
    without = {other: frame for other, frame in neuron_tables.items() if other != name}
    with pytest.raises(TableError, match=f"'{name}' lacks the whole table"):
        neuron_model(without, phase=1e-6, rest_voltage=1.3)
    column = COLUMNS[name][-1]
    with pytest.raises(TableError, match=f"'{name}' lacks {column}"):
        neuron_model(
            {**neuron_tables, name: neuron_tables[name].drop(columns=column)}, phase=1e-6, rest_voltage=1.3
        )


@pytest.mark.parametrize("name", ["current", "idle", "injection"])
def test_hole_in_a_grid_is_refused(neuron_tables, name):
    rows = neuron_tables[name]
    with pytest.raises(TableError, match="holes"):
        neuron_model({**neuron_tables, name: rows.drop(index=rows.index[40])}, phase=1e-6, rest_voltage=1.3)


def test_a_comparator_that_answers_late_in_the_phase_is_refused(neuron_tables):
    """As at ss and -40 °C, where it lags the ramp by 0.3 µs: whatever would spike before comes then."""
    for lag, refused in ((50e-9, False), (300e-9, True)):
        rows = neuron_tables["readout"]
        late = rows.assign(spike_time=np.maximum(rows["spike_time"], lag))
        tables = {**neuron_tables, "readout": late}
        if refused:
            with pytest.raises(FitError, match=r"follow the membrane only from 3\d\d of 1000 ns"):
                neuron_model(tables, phase=1e-6, rest_voltage=1.3)
        else:
            neuron_model(tables, phase=1e-6, rest_voltage=1.3)


def test_order_of_the_rows_does_not_matter(neuron_tables, neuron):
    shuffled = {name: frame.sample(frac=1, random_state=3) for name, frame in neuron_tables.items()}
    model = neuron_model(shuffled, phase=neuron.phase, rest_voltage=neuron.rest_voltage)
    assert model.switch_voltage == neuron.switch_voltage
    assert model.driver_delay == pytest.approx(neuron.driver_delay, rel=1e-12)
    np.testing.assert_array_equal(model.leakage, neuron.leakage)
    for polarity in ("n", "p"):
        np.testing.assert_array_equal(
            model.synapses[polarity].current.values, neuron.synapses[polarity].current.values
        )
        np.testing.assert_array_equal(
            model.edges[2][polarity].off_charge[3].values, neuron.edges[2][polarity].off_charge[3].values
        )


def test_synapse_model_reproduces_the_simulated_currents(neuron_tables, neuron):
    rows = neuron_tables["current"]
    for polarity in ("n", "p"):
        mine = rows[rows["polarity"] == polarity]
        synapse = neuron.synapses[polarity]
        at_rest = np.interp(mine["program"], synapse.current.program, synapse.rest_current)
        model = synapse.current(mine["program"].to_numpy(), mine["membrane_voltage"].to_numpy())
        # beyond the rails a row reaches many times its rest current: tolerance is relative to that
        largest = np.abs(synapse.current.values / synapse.current.scale[:, None]).max()
        assert np.max(np.abs(model - mine["current"]) / at_rest) < 1.01 * synapse.current.tolerance * largest


@pytest.mark.parametrize("polarity", ["n", "p"])
@settings(deadline=None)
@given(share=st.lists(st.floats(0, 1), min_size=1, max_size=5))
def test_program_for_a_current_gives_that_current_at_rest(neuron, polarity, share):
    synapse = neuron.synapses[polarity]
    low, high = np.log(synapse.rest_current.min()), np.log(synapse.rest_current.max())
    wanted = np.clip(np.exp(low + np.array(share) * (high - low)), np.exp(low), np.exp(high))
    wanted = np.clip(wanted, synapse.rest_current.min(), synapse.rest_current.max())
    program = synapse.program_for(wanted)
    assert program.shape == wanted.shape
    assert np.all((program >= synapse.current.program[0]) & (program <= synapse.current.program[-1]))
    np.testing.assert_allclose(synapse.current(program, np.array(neuron.rest_voltage)), wanted, rtol=1e-7)


@pytest.mark.parametrize("polarity", ["n", "p"])
def test_program_for_is_the_inverse_of_the_rest_current_at_the_nodes(neuron, polarity):
    synapse = neuron.synapses[polarity]
    np.testing.assert_allclose(
        synapse.program_for(synapse.rest_current), synapse.current.program, rtol=0, atol=1e-7
    )


@pytest.mark.parametrize("polarity", ["n", "p"])
@pytest.mark.parametrize("factor", [0.5, 2.0])
def test_current_out_of_reach_is_refused_with_the_current_and_the_range(neuron, polarity, factor):
    synapse = neuron.synapses[polarity]
    low, high = synapse.rest_current.min(), synapse.rest_current.max()
    wanted = low * factor if factor < 1 else high * factor
    with pytest.raises(MappingError) as caught:
        synapse.program_for(np.array([np.sqrt(low * high), wanted]))
    message = str(caught.value)
    assert f"{polarity}-synapse" in message
    assert f"{wanted:.4g} A is outside {low:.4g} to {high:.4g} A" in message
    assert "remedy" in message


def test_current_that_is_no_number_is_refused(neuron):
    with pytest.raises(MappingError, match="nan"):
        neuron.synapses["n"].program_for(np.array([1e-7, np.nan]))


def test_membrane_carries_both_halves_of_every_synapse(neuron_tables, neuron):
    rows = neuron_tables["capacitance"]
    expected = rows["neuron_capacitance"] + 3 * (rows["n_capacitance"] + rows["p_capacitance"])
    np.testing.assert_allclose(neuron.membrane_capacitance(3)(rows["membrane_voltage"]), expected, rtol=1e-12)


def test_unit_current_moves_a_membrane_of_mean_capacitance_by_the_threshold_voltage_in_a_phase(neuron):
    voltage = np.linspace(neuron.switch_voltage, neuron.rest_voltage, 4001)
    charge = np.trapezoid(neuron.membrane_capacitance(3)(voltage), voltage)
    assert neuron.unit_current(3) * neuron.phase == pytest.approx(charge, rel=1e-5)
    assert neuron.unit_current(3) > neuron.unit_current(2)  # every synapse loads the membrane


def analytic_readout(rate=0.0) -> ReadoutModel:
    """V' = −slope·(1 + rate·(V − 1)): a straight ramp, or one that bends as a discharger's does."""
    slope, start = 1e6, 1.4
    time = np.linspace(0, 1.3e-6, 401)
    if rate == 0:
        ramp = start - slope * time
    else:
        ramp = 1 - 1 / rate + (start - 1 + 1 / rate) * np.exp(-slope * rate * time)
    voltage = np.linspace(0.3, 1.4, 23)
    return ReadoutModel(voltage, (voltage - 0.3) / slope + 1e-9, time, ramp, 0.5, 0.4)


@pytest.mark.parametrize("rate", [0.0, 0.3, -0.2])
def test_ramp_runs_back_and_forth_along_an_analytic_ramp(rate):
    readout = analytic_readout(rate)
    lowest = readout.ramp_voltage[-1]
    for delay in (0.0, 1e-9, 50e-9, 300e-9):
        voltage = np.linspace(1.4, lowest + 0.35, 57)
        if rate == 0:
            after = voltage - 1e6 * delay
        else:
            after = 1 - 1 / rate + (voltage - 1 + 1 / rate) * np.exp(-1e6 * rate * delay)
        np.testing.assert_allclose(readout.voltage_after(voltage, delay), after, rtol=0, atol=2e-7)
    voltage = np.linspace(1.39, lowest + 0.01, 57)
    np.testing.assert_allclose(readout.slope(voltage), -1e6 * (1 + rate * (voltage - 1)), rtol=1e-4)


def test_ramp_holds_at_its_ends():
    readout = analytic_readout(0.3)
    assert readout.voltage_after(np.array(5.0), 0.0) == pytest.approx(1.4)
    assert readout.voltage_after(np.array(0.5), 1.0) == readout.ramp_voltage[-1]
    assert readout.voltage_after(np.array(-3.0), 0.0) == pytest.approx(readout.ramp_voltage[-1])
    assert readout.slope(np.array(9.0)) == readout.slope(np.array(1.4)) < 0
    assert readout.slope(np.array(-9.0)) == readout.slope(np.array(readout.ramp_voltage[-1])) < 0


@given(
    steps=arrays(float, 8, elements=st.floats(1e-4, 0.3)),
    rises=arrays(float, 8, elements=st.just(0.0) | st.floats(1e-12, 3e-7)),
    asked=arrays(float, 30, elements=st.floats(-1, 4)),
)
def test_readout_is_monotone_between_any_monotone_points_and_its_ends_hold(steps, rises, asked):
    ramp = analytic_readout()
    start, time = np.cumsum(steps), np.cumsum(rises)
    readout = ReadoutModel(start, time, ramp.ramp_time, ramp.ramp_voltage, 0.5, 0.4)
    times = readout.time(np.sort(asked))
    assert np.all(np.diff(times) >= -1e-18)
    assert np.all((times >= time[0] - 1e-18) & (times <= time[-1] + 1e-18))
    np.testing.assert_allclose(readout.time(np.array([-9.0, 9.0])), time[[0, -1]], rtol=1e-12, atol=1e-18)
    np.testing.assert_allclose(readout.time(start), time, rtol=1e-12, atol=1e-18)


def test_readout_of_the_circuit_is_monotone_and_empties_in_one_phase(neuron):
    for (fan_in, _), readout in neuron.readouts.items():
        assert np.all(np.diff(readout.time(np.linspace(-0.2, 2.0, 2000))) >= 0)
        start = neuron.rest_voltage + neuron.reset_step[fan_in]
        assert readout.time(np.array(start)) == pytest.approx(neuron.phase, abs=0.2e-9)
        assert np.all(readout.slope(np.linspace(0.3, 1.4, 100)) < 0)
