"""Chips whose transistors differ: what their laws do to the emulator, and the emulator beside ngspice."""

from __future__ import annotations

import numpy as np
import pytest
from neuron_layers import DELAYS, PHASE, REST, SWITCH, THRESHOLD, programmed, synthetic

from cimspice.errors import ParameterError
from cimspice.neuron.characterisation.card import Conditions
from cimspice.neuron.commands.chips import show_yield
from cimspice.neuron.emulator.chips import ChipLayer, chip_layers, chip_spikes
from cimspice.neuron.emulator.network import NeuronNetwork
from cimspice.neuron.mapping import map_layer
from cimspice.neuron.model.mismatch import RAMP, LayerMismatch, MismatchModel
from cimspice.neuron.report.chip_yield import draw_chip_yield
from cimspice.neuron.training.calibration import ChipCalibration
from cimspice.neuron.validation.chip_yield import ChipYield
from cimspice.neuron.validation.chips import drawn_shifts, validate_chips
from cimspice.neuron.validation.mapped import Programmed

WEIGHTS = [np.array([[0.7, 0.5, -0.4], [0.4, -0.3, 0.6]])]
SPIKES = np.array([[0.1, 0.3, 0.5], [0.6, 0.2, 0.4]])


def laws(**changed) -> MismatchModel:
    """Laws that are written down: without a change a shift is one of the gate bias and does nothing else."""
    nothing = np.zeros((2, 1 + len(DELAYS), 4))
    known = {
        "gain": {"n": (0.0, 0.0), "p": (0.0, 0.0)},
        "unselected_voltage": np.linspace(-1, 3, 4),
        "unselected": {"n": nothing, "p": nothing},
        "start_voltage": np.linspace(SWITCH - 0.1, 1.6, 5),
        "ramp": np.zeros((2, 5)),
        "anchor": SWITCH + 0.2,
        "delay": {"sense_n": (0.0, 0.0)},
        "floor": {"sense_n": (0.0, 0.0)},
        "reset": {"reset_n": 0.0},
    }
    return MismatchModel(**(known | changed))


def chips(memory: float = 0.0, **shifts: float) -> ChipLayer:
    """Two chips: a nominal one, and one whose transistors are all shifted alike."""
    scale = np.array([0.0, 1.0])[:, None, None]
    halves = dict.fromkeys(("n", "p"), memory * scale * np.ones((2, 2, 3)))
    names = (RAMP, "sense_n", "reset_n")
    return ChipLayer(halves, {name: shifts.get(name, 0.0) * scale[:, 0] * np.ones((2, 2)) for name in names})


def network() -> NeuronNetwork:
    polarity, program = programmed(WEIGHTS[0])
    return NeuronNetwork(synthetic(), [polarity], [program])


def spikes(model: MismatchModel, layer: ChipLayer) -> np.ndarray:
    (times,) = chip_spikes(network(), model, [layer], SPIKES)
    assert times.shape == (2, 2, 2)
    np.testing.assert_array_equal(times[0], network()(SPIKES)[-1][1])  # the nominal chip
    return times[1]


def test_a_memory_transistor_that_is_shifted_is_a_gate_bias_that_is_lower_with_another_mobility():
    found = spikes(laws(gain={"n": (-2.0, 0.0), "p": (3.0, 5.0)}), chips(memory=0.1))
    polarity, program = programmed(WEIGHTS[0])
    # the current of the synthetic synapse is exponential in its program: the factor is a program, too
    factor = np.where(polarity == 1, -0.2, 0.3 + 0.05)
    expected = NeuronNetwork(synthetic(), [polarity], [program - 0.1 + factor])(SPIKES)[-1][1]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-14)


def test_programs_that_a_shift_takes_beyond_the_table_follow_the_law_of_its_end():
    model, wide = synthetic(), laws()
    program, shift = np.array([[1.9, 2.0, -5.9, -6.0]]), np.array([[-0.3, 0.1, 0.3, -0.1]])
    inside, factor = wide.shifted(model.synapses["n"], program, shift, np.ones((1, 4), bool))
    np.testing.assert_allclose(np.log(factor) + inside, program - shift, atol=1e-6)
    np.testing.assert_allclose(inside, np.clip(program - shift, -6, 2))


def test_ramp_comparator_and_reset_move_the_spikes_as_their_laws_say():
    nominal = network()(SPIKES)[-1][1]
    ramp = np.stack([np.full(5, 20.0), np.full(5, 30.0)])
    np.testing.assert_allclose(
        spikes(laws(ramp=ramp), chips(**{RAMP: 0.004})),
        nominal * np.exp(20 * 0.004 + 30 * 0.004**2),
        rtol=1e-6,
    )
    late = spikes(laws(delay={"sense_n": (1e-6, 2e-5)}), chips(sense_n=0.01))
    np.testing.assert_allclose(late - nominal, 1e-8 + 2e-9, rtol=1e-5)
    # a start that is lower: less of the ramp is left, and the synapses' currents are smaller by (1 − v/E)
    lower = spikes(laws(reset={"reset_n": -0.5}), chips(reset_n=0.002))
    assert np.all(lower < nominal)
    assert np.all(nominal - lower < 1.5e-3 * PHASE / THRESHOLD)


def test_a_membrane_far_below_the_threshold_spikes_at_once_whatever_the_comparator_is_shifted():
    weights = np.array([[1.5, 1.5, 1.5]])
    polarity, program = programmed(weights)
    low = NeuronNetwork(synthetic(), [polarity], [program])
    early = np.zeros((1, 3))
    none = np.zeros((1, 1, 3))
    shifted = {name: np.full((1, 1), 0.01) for name in (RAMP, "sense_n", "reset_n")}
    layer = ChipLayer({"n": none, "p": none}, shifted)
    model = laws(delay={"sense_n": (-1e-6, 0.0)}, floor={"sense_n": (3e-8, 0.0)})
    before, (after,) = low(early)[-1][1], chip_spikes(low, model, [layer], early)
    assert low(early)[-1][0].max() < SWITCH < REST
    np.testing.assert_allclose(after[0] - before, 3e-10, rtol=1e-6)


def test_a_shift_that_the_netlist_does_not_have_is_named():
    with pytest.raises(ParameterError, match=r"xn1_0_0\.xmemory"):
        chip_layers(laws(), [{}], network())


def test_a_chip_is_calibrated_to_gate_biases_that_are_higher_by_what_its_thresholds_are():
    model, shifts = synthetic(), np.array([[0.1, -0.2, 0.15], [-0.1, 0.05, 0.2]])
    spikes = np.random.default_rng(0).uniform(0.05, 0.95, (30, 3))
    nominal = map_layer(model, WEIGHTS[0])
    circuit = NeuronNetwork(model, [nominal.polarity], [nominal.program])
    wanted = [times / PHASE for _, times in circuit(spikes)]
    own = LayerMismatch(
        laws(), {"n": shifts, "p": shifts}, dict.fromkeys((RAMP, "sense_n", "reset_n"), np.zeros(2))
    )
    (found,) = ChipCalibration.of(model, [nominal], spikes, wanted)([own])
    np.testing.assert_allclose(found.mapping.program, nominal.program + shifts, rtol=0, atol=1e-3)
    assert np.sqrt(np.mean(found.errors**2)) < 1e-4 * PHASE
    before = NeuronNetwork(model, [nominal.polarity], [nominal.program], mismatch=[own])(spikes)[-1][1]
    assert np.sqrt(np.mean((before - wanted[0] * PHASE) ** 2)) > 1e-2 * PHASE


def test_yield_and_what_most_chips_reach_are_those_of_the_counts():
    accuracy = np.array([0.8] * 4 + [0.9] * 16 + [0.96] * 180)
    result = ChipYield(accuracy, np.full(200, 0.96), np.full(200, 5e-8), np.full(200, 2e-9), (0.96, 6e-10))
    facts = result.facts()
    assert facts["before"]["yield"]["value"] == 0.98
    low, high = facts["before"]["yield"]["interval"]
    assert (low, high) == pytest.approx((0.9497, 0.9922), abs=1e-4)  # Wilson, 196 of 200
    assert facts["calibrated"]["yield"]["interval"][1] == 1.0
    # the 13th smallest: 12 or fewer of 200 are below the 10 % quantile in 3.2 % of all cases, 13 in 5.7 %
    assert facts["before"]["most_chips"]["bound"] == 0.9
    assert facts["calibrated"]["most_chips"]["bound"] == 0.96
    assert facts["before"]["accuracy"]["worst"] == 0.8


def test_the_yield_is_shown_with_its_interval_and_drawn_with_every_chip(capsys, tmp_path):
    accuracy, calibrated = np.array([0.5] * 10 + [0.9] * 30), np.array([0.8] + [0.96] * 39)
    result = ChipYield(accuracy, calibrated, np.full(40, 5e-8), np.full(40, 2e-9), (0.96, 6e-10))
    show_yield({**result.facts(), "corner": "tt", "temperature": 27.0})
    shown = " ".join(capsys.readouterr().out.split())
    assert "programmed alike 80 % mean; worst chip 50 %; spikes 50 ns off" in shown
    assert "yield at 90 % right 75 % 59.81 to 85.81 %, 95 % confidence" in shown  # Wilson, 30 of 40
    (png, _) = draw_chip_yield(result, tmp_path)
    assert png.stat().st_size > 1000


@pytest.mark.spice
def test_three_chips_with_known_mismatch_are_within_a_nanosecond_of_ngspice(neuron, tmp_path):
    conditions = Conditions(workers=1, store=tmp_path / "points.sqlite")
    weights = [np.array([[0.7, 0.5, -0.4], [0.4, -0.3, 0.6]]), np.array([[0.5, 0.3], [-0.2, 0.7]])]
    mapped = Programmed(neuron, tuple(map_layer(neuron, matrix) for matrix in weights))
    result = validate_chips(conditions, mapped, SPIKES[:1], 3, seed=4)
    facts = result.facts()
    assert facts["output_rmse_ns"] < 1.0
    assert facts["worst_ns"] < 2.0
    assert facts["unknown_rmse_ns"] > 20 * facts["output_rmse_ns"]
    sigmas, shifts = drawn_shifts(conditions, mapped.programming(), 3, seed=4)
    assert sigmas["xn1_0_0.xmemory"] == pytest.approx(3.356e-3 / np.sqrt(1.0 * 0.25))  # PDK's constant, W, L
    assert len({chip["xn1_0_0.xmemory"] for chip in shifts}) == 3
