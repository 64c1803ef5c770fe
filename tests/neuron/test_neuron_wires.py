"""Wires of a layer: the floorplan, their elements in the netlist, and what the emulator makes of them."""

from __future__ import annotations

from dataclasses import asdict, replace

import numpy as np
import pytest
from neuron_layers import CAPACITANCE, PHASE, THRESHOLD, programmed, synthetic
from scipy.integrate import solve_ivp
from scipy.optimize import root

from cimspice.cli.app import run
from cimspice.errors import ParameterError
from cimspice.neuron.circuit.circuit import NeuronCircuit, resistor_circuit
from cimspice.neuron.circuit.network import LayerProgramming, NetworkParameters, network_netlist
from cimspice.neuron.emulator.layer import NeuronLayer
from cimspice.neuron.emulator.membrane_rate import synapses_of
from cimspice.neuron.emulator.wires import Rails, coupled, edge_shares
from cimspice.neuron.model.wires import LayerWires, Wiring, end_resistance, floorplan_wires, rail_share

PLAN = floorplan_wires()
NONE = LayerWires(*[0.0] * 8)
WIRED = NeuronCircuit(wired=True)
LAYER = LayerProgramming(
    ramp_bias=0.5, polarity=[[1, -1, 1], [0, 1, -1]], program=[[0.5, 1.2, 0.4], [0.0, 0.4, 1.1]]
)


def wired_netlist(wires=PLAN, circuit=WIRED) -> str:
    parameters = NetworkParameters(
        circuit=circuit, wires=asdict(wires), programming=[LAYER], spikes=[0.1, 0.2, 0.3]
    )
    return network_netlist(parameters).text


def lines_of(text: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines() if line and line[0] not in "*."]


def test_wires_of_the_floorplan_are_those_of_a_calculation_by_hand():
    """0.3 µm lines; 4 µm of metal1 and 2.72 µm of metal2 along a cell, membranes 3.7 µm apart."""
    assert PLAN.rail_resistance == pytest.approx(0.125 * 4 / 0.3)
    assert PLAN.membrane_resistance == pytest.approx(0.125 * 2.72 / 0.3)
    assert PLAN.membrane_coupling == pytest.approx(2.72 * 50e-18 / (3.7 + 0.3))
    crossing = 0.09 * 133.86 + 0.3 * 67.05 + 0.3 * 48.19
    assert PLAN.crossing_capacitance == pytest.approx(crossing * 1e-18)
    row = 4 * (0.3 * 25.78 + 40.57 + 2 * 44 / 0.63) + crossing
    assert PLAN.spike_capacitance == pytest.approx(row * 1e-18)
    membrane = 1.52 * (0.3 * 17.5 + 2 * 37.76) + 4 * crossing + 2 * 34
    assert PLAN.membrane_capacitance == pytest.approx(membrane * 1e-18)


@pytest.mark.parametrize(
    "change",
    [{"rail_resistance": -1.0}, {"spike_capacitance": np.nan}, {"membrane_coupling": 1e-15}],
)
def test_wires_that_cannot_be_are_refused(change):
    with pytest.raises(ParameterError):
        replace(PLAN, **change)


def test_every_line_of_the_netlist_goes_on_from_cell_to_cell():
    cells = {words[0]: words[1:] for words in lines_of(wired_netlist()) if words[-1] == "wires"}
    assert len(cells) == 6
    for i in range(3):
        assert cells[f"Xw1_0_{i}"][2:10:2] == [f"s0_{i}", f"c0_{i}", "0", "vdd"]
        first, second = cells[f"Xw1_0_{i}"], cells[f"Xw1_1_{i}"]
        assert first[3:10:2] == second[2:10:2]  # what leaves the first cell enters the next
    for j in range(2):
        membrane = [cells[f"Xw1_{j}_{i}"][:2] for i in range(3)]
        assert membrane[0][0] == f"m1_{j}"
        assert [ends[1] for ends in membrane[:-1]] == [ends[0] for ends in membrane[1:]]


def test_a_membrane_has_in_all_the_capacitance_with_which_the_neuron_was_characterised():
    found = lines_of(wired_netlist())
    cell = sum(float(words[3]) for words in found if words[0] == "Cmembrane")
    crossings = sum(float(words[3]) for words in found if words[0].startswith("Ccross"))
    for neuron in range(2):
        rest = sum(float(words[3]) for words in found if words[0] == f"Crest1_{neuron}")
        beside = sum(
            float(words[3])
            for words in found
            if words[0][:2] in ("Cn", "Cl") and any(node.startswith(f"m1_{neuron}_") for node in words[1:3])
        )
        whole = rest + beside + 3 * (cell + crossings)
        assert whole == pytest.approx(WIRED.wire_capacitance, rel=1e-9)


@pytest.mark.parametrize(
    "given",
    [
        {"circuit": NeuronCircuit(), "wires": asdict(PLAN)},
        {"circuit": WIRED},
        {"circuit": resistor_circuit().model_copy(update={"wired": True}), "wires": asdict(PLAN)},
        {"circuit": NeuronCircuit(wired=True, wire_capacitance=1e-15), "wires": asdict(PLAN)},
    ],
)
def test_wires_that_do_not_fit_the_circuit_are_refused(given):
    with pytest.raises(ParameterError, match="wire"):
        NetworkParameters(programming=[LAYER], spikes=[0.1, 0.2, 0.3], **given)


@pytest.mark.parametrize(
    "words",
    [["--rail-resistance", "5"], ["--wires", "--synapse", "resistor"], ["--wires", "--rail-resistance", "0"]],
)
def test_the_command_refuses_wires_that_there_are_none_of(words, tmp_path, capsys):
    out = ["-o", str(tmp_path / "runs")]
    assert run(["validate", "random", "--layers", "3", "2", *words, *out]) == 2
    assert "resist" in capsys.readouterr().err


def test_moves_of_coupled_membranes_are_those_of_the_capacitance_matrix():
    rng = np.random.default_rng(1)
    moves, capacitance = rng.normal(0, 0.1, (4, 7)), rng.uniform(1, 1.2, (4, 7))
    share = 0.1 / capacitance
    for move, each, ratio in zip(moves, capacitance, share, strict=True):
        matrix = np.diag(each) - 0.1 * (np.eye(7, k=1) + np.eye(7, k=-1))
        assert coupled(move, ratio) == pytest.approx(np.linalg.solve(matrix, each * move), rel=1e-9)
    assert coupled(moves, share).shape == moves.shape


def ladder(currents: np.ndarray, resistance: float) -> np.ndarray:
    """Drops of a rail by its nodal equations."""
    count = len(currents)
    conductance = (2 * np.eye(count) - np.eye(count, k=1) - np.eye(count, k=-1)) / resistance
    conductance[-1, -1] = 1 / resistance
    return np.linalg.solve(conductance, currents)


def rail_layer(neurons=4, inputs=3):
    rng = np.random.default_rng(2)
    weights = rng.normal(0.3, 0.8, (neurons, inputs))
    model = synthetic(neurons=(neurons,))
    return model, *programmed(weights), rng.uniform(0.6, 1.3, (2, neurons))


def test_drops_along_a_row_are_those_of_its_nodal_equations():
    model, polarity, program, _ = rail_layer()
    rails = Rails(synapses_of(model, model.edges[4], polarity, program), 250.0)
    currents = np.random.default_rng(3).uniform(0, 1e-6, (5, 4))
    wanted = np.array([ladder(row, 250.0) for row in currents])
    assert rails.drop(currents) == pytest.approx(wanted, rel=1e-9)
    # equal currents: the share of a place is that by which edges are mixed, R Σ min(j, k) that of the end
    even = ladder(np.ones(4), 250.0)
    assert rail_share(4) == pytest.approx(even / even[-1])
    assert end_resistance(replace(PLAN, rail_resistance=250.0), 4) == pytest.approx(even[-1])


def test_currents_on_rails_solve_the_whole_row_at_once():
    """Every synapse's current at its own gate bias and membrane less the drop, solved by another method."""
    model, polarity, program, voltage = rail_layer()
    resistance, on = 3000.0, np.array([[1, 1, 0], [1, 0, 1]])
    found = Rails(synapses_of(model, model.edges[4], polarity, program), resistance).change(voltage, on)
    for sample, membranes in enumerate(voltage):
        change = np.zeros(4)
        for name, sign, direction in (("n", 1, -1), ("p", -1, 1)):
            table = model.synapses[name].current
            for source in np.flatnonzero(on[sample]):
                carries = polarity[:, source] == sign
                bias = program[:, source]

                def current(drop, table=table, bias=bias, carries=carries, direction=direction, at=membranes):
                    return np.where(carries, table(bias + direction * drop, at + direction * drop), 0.0)

                solved = root(
                    lambda drop, current=current: drop - ladder(current(drop), resistance), np.zeros(4)
                )
                change += direction * (current(solved.x) - current(np.zeros(4)))
        size = np.abs(change).max()
        assert size > 1e-10
        assert found[sample] == pytest.approx(change, abs=0.01 * size)


def test_rails_without_a_fixed_point_are_refused():
    model, polarity, program, voltage = rail_layer()
    rails = Rails(synapses_of(model, model.edges[4], polarity, program + 2), 1e9)
    with pytest.raises(ParameterError, match="rails of 1e\\+09 ohm"):
        rails.change(voltage, np.ones((2, 3)))


def test_edges_between_two_rail_resistances_lie_on_a_parabola():
    shares = edge_shares(5, 3)
    place = rail_share(5)
    values = [2.0 + 3 * node - 4 * node**2 for node in (0.0, 0.5, 1.0)]
    mixed = sum(share * value for share, value in zip(shares, values, strict=True))
    assert mixed == pytest.approx(2 + 3 * place - 4 * place**2)
    assert edge_shares(5, 1) == [pytest.approx(np.ones(5))]


def test_coupled_membranes_accumulate_and_fire_as_their_equations_say():
    """Constant currents, a straight ramp: (C − coupling · neighbours) dV/dt = −I, integrated by scipy."""
    model = synthetic(reversal=(1e9, -1e9), neurons=(3,))
    weights = np.array([[0.2], [0.9], [-0.1]])
    polarity, program = programmed(weights)
    coupling = 3e-15
    lines = replace(NONE, membrane_coupling=coupling, membrane_capacitance=2 * coupling)
    wiring = Wiring(lines, {3: (model.edges[3],)}, {0: 0.0, 3: 0.0})
    times = np.array([[0.25 * PHASE]])
    voltage, spikes = NeuronLayer(model, polarity, program, wires=wiring)(times)

    matrix = CAPACITANCE * np.eye(3) - coupling * (np.eye(3, k=1) + np.eye(3, k=-1))
    moved = np.linalg.solve(matrix, -CAPACITANCE * THRESHOLD * weights[:, 0] * 0.75)
    assert voltage[0] == pytest.approx(model.rest_voltage + moved, abs=2e-6)

    current = CAPACITANCE * THRESHOLD / PHASE

    def fall(_, membranes):
        # the discharger saturates as its drain comes near ground
        return np.linalg.solve(matrix, current * np.expm1(-np.maximum(membranes, 0) / 0.026))

    reached = solve_ivp(fall, (0, PHASE), voltage[0], rtol=1e-9, atol=1e-9, dense_output=True)
    fine = np.linspace(0, PHASE, 200001)
    wanted = [np.interp(-model.switch_voltage, -trace, fine, right=PHASE) for trace in reached.sol(fine)]
    alone = NeuronLayer(model, polarity, program).fire(voltage, times)[0]
    assert np.abs(alone - wanted).max() > 10e-9
    assert spikes[0] == pytest.approx(wanted, abs=0.2e-9)


def test_wires_without_effect_change_nothing():
    model, polarity, program, _ = rail_layer()
    times = np.random.default_rng(4).uniform(0, PHASE, (5, 3))
    wiring = Wiring(NONE, {4: (model.edges[4],)}, {0: 0.0, 4: 0.0})
    alone = NeuronLayer(model, polarity, program)(times)
    for mine, other in zip(NeuronLayer(model, polarity, program, wires=wiring)(times), alone, strict=True):
        assert mine == pytest.approx(other, rel=1e-12)
