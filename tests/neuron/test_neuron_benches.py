"""What the neuron's benches measure, against references that do not use the bench's own way of measuring."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.integrate import solve_ivp

from cimspice.bench import bench
from cimspice.campaign import read_specification
from cimspice.families import campaigns
from cimspice.netlist import Netlist
from cimspice.spice import Dc, Session, SolverOptions, Tran, simulate, simulate_batch

CAMPAIGNS = [path for name, path in campaigns().items() if name.startswith("neuron_")]
UNIT_BIAS = {"n": 0.5575, "p": 1.055}


def table(name: str, **values: object) -> pd.DataFrame:
    """One point of a bench, in this process, set up as a campaign does it."""
    found = bench(name)
    parameters = found.Parameters.model_validate(values)
    loaded = {key: value for key, value in values.items() if key not in found.altered}
    netlist = found.netlist(found.Parameters.model_validate(loaded))
    with Session() as session:
        session.load(netlist, options=found.options(parameters), flat=found.flat)
        for key, source in found.altered.items():
            session.alter(source, getattr(parameters, key))
        return found.measure(parameters, session.run(found.analysis(parameters)))


@pytest.mark.parametrize("path", CAMPAIGNS, ids=lambda path: path.stem)
def test_packaged_campaigns_are_right_and_draw_something(path):
    specification = read_specification(path)
    assert specification.figures
    assert specification.points > 1


def test_every_part_of_the_neuron_has_a_campaign():
    swept = {read_specification(path).bench.name for path in CAMPAIGNS}
    assert {"synapse", "single_spike", "discharger", "comparator_delay", "injection", "capacitance"} <= {
        name.removeprefix("neuron_") for name in swept
    }


# the two transistors of a synapse by hand, drain current out of or into the membrane
_BY_HAND = {
    ("n", "memory_at_membrane"): "Xm m g x 0 {n}\nXs x on 0 0 {n}",
    ("n", "selector_at_membrane"): "Xs m on x 0 {n}\nXm x g 0 0 {n}",
    ("p", "memory_at_membrane"): "Xm m g x on {p}\nXs x 0 on on {p}",
    ("p", "selector_at_membrane"): "Xs m 0 x on {p}\nXm x g on on {p}",
}


@pytest.mark.spice
@pytest.mark.parametrize(("polarity", "order"), _BY_HAND)
def test_synapse_current_is_that_of_two_transistors_in_a_batch_run(polarity, order):
    bias = UNIT_BIAS[polarity]
    steps = {"membrane_start": 0.3, "membrane_stop": 1.5, "membrane_step": 0.1}
    found = table("neuron_synapse", polarity=polarity, gate_bias=bias, circuit={"order": order}, **steps)
    devices = {key: f"sky130_fd_pr__{key}fet_01v8 w=1 l=0.25" for key in "np"}
    text = f"* by hand\nVon on 0 1.8\nVm m 0 0\nVg g 0 {bias}\n" + _BY_HAND[polarity, order].format(**devices)
    precise = SolverOptions(reltol=1e-6, abstol=1e-16, vntol=1e-9)
    sweep = Dc("vm", 0.3, 1.5, 0.1, save=("vm#branch",))
    reference = simulate_batch(Netlist(text + "\n", "by hand"), sweep, options=precise)
    sign = -1.0 if polarity == "n" else 1.0
    assert found["current"].to_numpy() == pytest.approx(sign * reference["vm#branch"], rel=1e-5)
    assert (found["order"] == order).all()
    assert found["current"].min() > 1e-8


@pytest.mark.spice
@pytest.mark.parametrize(("part", "branch"), [("neuron", "vneuron"), ("n", "vn"), ("p", "vp")])
def test_capacitance_is_the_charging_current_of_a_ramp_over_its_slope(part, branch):
    voltage, slope, hold = 0.9, 1e6, 1e-7
    found = bench("neuron_capacitance")
    parameters = found.Parameters.model_validate({"membrane_voltage": voltage})
    source = next(
        line for line in found.netlist(parameters).text.splitlines() if line.startswith("Vmembrane")
    )
    rise = 0.2 / slope
    ramp = (
        f"Vmembrane held 0 PWL(0 {voltage - 0.1} {hold} {voltage - 0.1} {hold + rise} {voltage + 0.1} "
        f"{2 * hold + rise} {voltage + 0.1} {2 * hold + 2 * rise} {voltage - 0.1})"
    )
    text = found.netlist(parameters).text.replace(source, ramp)
    precise = SolverOptions(reltol=1e-5, abstol=1e-15, vntol=1e-8, chgtol=1e-18)
    moving = simulate(
        Netlist(text, "ramp"),
        Tran(1e-9, 2 * hold + 2 * rise, max_step=1e-9, save=(f"{branch}#branch",)),
        options=precise,
    )
    up, down = np.interp([hold + rise / 2, 2 * hold + 1.5 * rise], moving.axis, moving[f"{branch}#branch"])
    # what flows whatever the slope (synapse current, leakage) is in both
    reference = (up - down) / (2 * slope)
    measured = float(table("neuron_capacitance", membrane_voltage=voltage)[f"{part}_capacitance"].iloc[0])
    assert measured == pytest.approx(reference, rel=5e-3)


@pytest.mark.spice
@pytest.mark.parametrize("polarity", ["n", "p"])
def test_injected_charge_is_what_a_capacitor_on_the_membrane_sees(polarity):
    capacitance, voltage = 4e-12, 1.0
    values = {
        "polarity": polarity,
        "gate_bias": UNIT_BIAS[polarity],
        "voltages": (voltage,),
        "ramp_slope": 1.0,  # V/s: the held membrane stays where it is
    }
    found = bench("neuron_injection")
    parameters = found.Parameters.model_validate(values)
    rows = table("neuron_injection", **values)
    text = found.netlist(parameters).text + "Vlet let 0 PULSE(1 0 5n 0.1n 0.1n 1 2)\n"
    text += ".model letting sw vt=0.5 vh=0.1 ron=10 roff=1e16\n"
    for state in ("on0", "off0"):
        assert f"Vmembrane_{state} hold0 m_{state} 0\n" in text
        text = text.replace(
            f"Vmembrane_{state} hold0 m_{state} 0\n",
            f"Slet_{state} hold0 m_{state} let 0 letting\nCmembrane_{state} m_{state} 0 {capacitance}\n",
        )
    stop = parameters.begin + parameters.hold + 300e-9
    waveforms = simulate(
        Netlist(text, "capacitor"),
        Tran(1e-9, stop, max_step=1e-9, save=("spike", "m_on0", "m_off0")),
        options=SolverOptions(reltol=1e-5, abstol=1e-15, vntol=1e-8, chgtol=1e-18),
        flat=True,
    )
    sign = -1.0 if polarity == "n" else 1.0
    charge = sign * capacitance * (waveforms["m_on0"] - waveforms["m_off0"])

    def at(time: float) -> float:
        return float(np.interp(time, waveforms.axis, charge))

    static = float(rows["static_current"].iloc[0])
    rise = waveforms.crossing("spike", parameters.circuit.supply / 2, "rise")
    on = float(rows.loc[rows["edge"] == "on", "charge"].iloc[0])
    drawn = at(rise + 10e-9) - at(parameters.begin - 5e-9)
    assert drawn - static * 10e-9 == pytest.approx(on, abs=3e-18)
    end, edge = parameters.begin + parameters.hold, parameters.circuit.edge
    for delay in (0.5e-9, 8e-9, 256e-9):
        close = (rows["edge"] == "off") & np.isclose(rows["delay"], delay, rtol=1e-6, atol=0)
        off = float(rows.loc[close, "charge"].iloc[0])
        reference = at(end + delay) - at(end - 2 * edge) - static * 2 * edge
        assert reference == pytest.approx(off, abs=3e-18)
        assert off > 1e-16


@pytest.mark.spice
def test_the_ramp_falls_at_discharger_current_over_capacitance():
    trace = table("neuron_ramp", fan_in=1, ramp_bias=0.55)
    current = table("neuron_discharger", firing=True, ramp_bias=0.55).sort_values("membrane_voltage")
    for voltage in (1.1, 0.8):
        near = trace[(trace["membrane_voltage"] - voltage).abs() < 0.05]
        slope = -np.polynomial.Polynomial.fit(near["time"], near["membrane_voltage"], 2).deriv()(
            float(np.interp(-voltage, -near["membrane_voltage"], near["time"]))
        )
        capacitance = table("neuron_capacitance", firing=True, membrane_voltage=voltage).iloc[0].sum()
        drawn = float(np.interp(voltage, current["membrane_voltage"], current["current"]))
        assert slope == pytest.approx(drawn / capacitance, rel=5e-3)


@pytest.mark.spice
def test_the_step_at_the_end_of_reset_is_a_charge():
    own = float(table("neuron_capacitance", membrane_voltage=1.3)["neuron_capacitance"].iloc[0])
    charges = []
    for extra in (0.0, 300e-15):
        step = table("neuron_reset", fan_in=1, extra_capacitance=extra)["reset_step"].iloc[0]
        charges.append(step * (own + extra))
    assert charges[0] == pytest.approx(charges[1], rel=0.1)
    assert 0 < abs(charges[0]) < 1e-15


@pytest.mark.spice
@pytest.mark.parametrize(("corner", "temperature"), [("tt", 27.0), ("sf", 125.0)])
def test_the_comparators_threshold_is_that_of_a_static_sweep(corner, temperature):
    timing, falling = bench("neuron_comparator_delay"), bench("neuron_comparator")
    parameters = timing.Parameters.model_validate({"slope": 2e6})
    conditions = {"corner": corner, "temperature": temperature, "options": timing.options(parameters)}
    found = timing.measure(
        parameters,
        simulate(timing.netlist(parameters), timing.analysis(parameters), flat=True, **conditions),
    ).iloc[0]
    netlist = falling.netlist(parameters)
    sweep = Dc("vmembrane", found["threshold"] - 5e-3, found["threshold"] + 5e-3, 1e-4, save=("spike",))
    static = simulate(netlist, sweep, flat=True, **conditions).crossing("spike", 0.9, "fall")
    assert found["threshold"] == pytest.approx(static, abs=1.5e-4)
    alone = falling.measure(
        parameters, simulate(netlist, falling.analysis(parameters), flat=True, **conditions)
    )
    crossing = float(alone["crossing_voltage"].iloc[0])
    assert found["threshold"] - found["offset"] == pytest.approx(crossing, abs=1e-6)
    assert found["delay"] == pytest.approx((found["threshold"] - crossing) / 2e6, rel=1e-3)
    assert 1e-10 < found["delay"] < 5e-8


@pytest.mark.spice
def test_the_read_out_spikes_where_the_comparator_says():
    spike = table("neuron_readout", start_voltage=1.0).iloc[0]
    trace = table("neuron_ramp", start_voltage=1.0)
    near = trace[(trace["membrane_voltage"] - spike["spike_voltage"]).abs() < 0.05]
    slope = -float(np.polyfit(near["time"], near["membrane_voltage"], 1)[0])
    crossing = table("neuron_comparator", slope=slope)["crossing_voltage"].iloc[0]
    assert spike["spike_voltage"] == pytest.approx(crossing, abs=1e-3)
    assert np.interp(spike["spike_time"], trace["time"], trace["membrane_voltage"]) == pytest.approx(
        spike["spike_voltage"], abs=1e-4
    )


@pytest.mark.spice
@pytest.mark.parametrize("polarity", ["n", "p"])
def test_a_single_spike_integrates_the_static_current_on_the_static_capacitance(polarity):
    bias, spike_time = {"n": 0.55, "p": 1.1}[polarity], 300e-9
    trace = table("neuron_single_spike", polarity=polarity, gate_bias=bias, spike_time=spike_time)
    before = trace[trace["time"] < spike_time - 1e-9]["membrane_voltage"]
    assert np.ptp(before) < 2e-4
    curve = table("neuron_synapse", polarity=polarity, gate_bias=bias, membrane_step=0.05)
    grid = np.arange(0.7, 1.75, 0.1)
    capacitances = []
    for voltage in grid:
        row = table("neuron_capacitance", membrane_voltage=voltage).iloc[0]
        capacitances.append(row["neuron_capacitance"] + 5 * row["n_capacitance"] + 5 * row["p_capacitance"])
    sign = -1.0 if polarity == "n" else 1.0

    def slope(_: float, voltage: np.ndarray) -> np.ndarray:
        current = np.interp(voltage, curve["membrane_voltage"], curve["current"])
        return sign * current / np.interp(voltage, grid, capacitances)

    end = float(trace["time"].iloc[-1])
    free = solve_ivp(slope, (spike_time, end), [before.iloc[-1]], rtol=1e-8, atol=1e-10).y[0, -1]
    moved = free - before.iloc[-1]
    assert abs(moved) > 0.2
    # the rest is the edge's charge and the capacitance of synapses that are off
    assert trace["membrane_voltage"].iloc[-1] - before.iloc[-1] == pytest.approx(moved, rel=0.02)


@pytest.mark.spice
def test_an_altered_gate_bias_gives_the_trace_of_a_rendered_one():
    found = bench("neuron_single_spike")
    values = {"gate_bias": 0.52, "spike_time": 500e-9}
    wanted = found.Parameters.model_validate(values)
    netlist, analysis, options = found.netlist(wanted), found.analysis(wanted), found.options(wanted)
    rendered = found.measure(wanted, simulate(netlist, analysis, options=options, flat=True))
    altered = table("neuron_single_spike", **values)
    assert altered["membrane_voltage"].to_numpy() == pytest.approx(
        rendered["membrane_voltage"].to_numpy(), abs=1e-9
    )


def test_a_spike_outside_the_phase_is_refused():
    with pytest.raises(ValueError, match="not inside the phase"):
        bench("neuron_single_spike").Parameters.model_validate({"spike_time": 1e-6})


def test_neurons_of_a_layer_spike_as_in_a_network_with_real_drivers():
    neurons, inputs, begin, phase = 12, 8, 20e-9, 1e-6
    line = bench("neuron_line")
    parameters = line.Parameters.model_validate({"fan_out": neurons, "begin": begin})
    with Session() as session:
        session.load(line.netlist(parameters), options=line.options(parameters), flat=line.flat)
        waveforms = session.run(line.analysis(parameters))
    delay = waveforms.crossing("spike", parameters.circuit.supply / 2, "rise") - begin
    edges = {name: tuple(column) for name, column in line.measure(parameters, waveforms).items()}
    neuron = {"ramp_bias": 0.55, "polarity": [[1] * inputs], "program": [[0.45] * inputs]}
    every = {name: value * neurons if name != "ramp_bias" else value for name, value in neuron.items()}
    times = np.linspace(0.1, 0.8, inputs)  # of the drivers' inputs; lines follow
    layer = table("neuron_layer", edges=edges, spikes=(times + delay / phase).tolist(), **neuron)
    network = table("neuron_network", programming=[every], spikes=times.tolist())
    assert 0.1 * phase < network["spike_time"][0] < 0.9 * phase
    # straight edges of the same slope between 20 and 80 % are 0.5 ns off
    assert layer["spike_time"][0] == pytest.approx(network["spike_time"][0], abs=0.25e-9)
