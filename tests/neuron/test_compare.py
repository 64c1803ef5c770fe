from __future__ import annotations

import numpy as np
import pytest

from cimspice.errors import ParameterError
from cimspice.network.decisions import earliest
from cimspice.neuron.validation import Comparison
from cimspice.neuron.validation.compare import rmse

PHASE = 1e-6


def comparison(*layers: tuple[list, list]) -> Comparison:
    model, circuit = zip(*[(np.array(a) * 1e-9, np.array(b) * 1e-9) for a, b in layers], strict=True)
    return Comparison(model, circuit, PHASE)


def test_errors_are_pooled_over_hidden_layers_and_apart_for_the_output():
    found = comparison(([[1.0, 2.0]], [[1.0, 5.0]]), ([[7.0]], [[3.0]]), ([[100.0, 200.0]], [[101.0, 201.0]]))
    assert found.rmse(0) == pytest.approx(1e-9 * np.sqrt(9 / 2))
    assert found.hidden_rmse == pytest.approx(1e-9 * np.sqrt((9 + 16) / 3))  # not the mean of two roots
    assert found.output_rmse == pytest.approx(1e-9)


def test_without_a_hidden_layer_both_figures_are_the_output():
    found = comparison(([[10.0, 20.0]], [[12.0, 20.0]]))
    assert found.hidden_rmse == found.output_rmse == pytest.approx(1e-9 * np.sqrt(2))


def test_the_worst_sample_is_found_in_any_layer():
    found = comparison(
        ([[1.0], [2.0], [3.0]], [[1.0], [2.0], [-4.0]]), ([[5.0], [9.0], [6.0]], [[5.0], [4.0], [6.0]])
    )
    error, sample = found.worst
    assert error == pytest.approx(7e-9)
    assert sample == 2


def test_decisions_are_the_earliest_output():
    found = comparison(
        ([[300.0, 100.0], [500.0, 900.0], [400.0, 410.0]], [[310.0, 90.0], [450.0, 800.0], [420.0, 410.0]])
    )
    assert earliest(found.model[-1]).tolist() == [1, 0, 0]
    assert found.decisions_agree == pytest.approx(2 / 3)


def test_a_silent_network_decides_nothing_and_agrees_with_nobody():
    silent, none = [1000.0, 1000.0, 1000.0], [[1000.0, 1000.0, 1000.0]] * 2
    assert comparison((none, none)).decisions_agree == 0.0
    assert comparison((none, none)).undecided == 1.0
    found = comparison(([silent, [1.0, 2.0, 3.0]], [silent, [1.5, 2.0, 3.0]]))
    assert (found.decisions_agree, found.undecided) == (0.5, 0.5)
    one_neuron = comparison(([[1000.0], [900.0]], [[1000.0], [901.0]]))
    assert (one_neuron.decisions_agree, one_neuron.undecided) == (0.5, 0.5)


def test_outputs_that_come_first_together_decide_nothing():
    found = comparison(([[0.0, 0.0, 7.0]], [[0.0, 1.0, 7.0]]))
    assert (found.decisions_agree, found.undecided) == (0.0, 1.0)


def test_spikes_that_do_not_come_are_not_counted_as_spiking():
    found = comparison(([[1.0, 1000.0]], [[1.0, 1000.0]]), ([[20.0, 1000.0]], [[20.0, 999.0]]))
    assert found.spiking == pytest.approx(3 / 4)


def test_layers_that_do_not_fit_are_refused():
    with pytest.raises(ParameterError, match=r"\(1, 2\).*\(2, 1\)"):
        comparison(([[1.0, 2.0]], [[1.0], [2.0]]))


def test_rmse_is_the_root_of_the_mean_square():
    assert rmse(np.array([[1.0, 2.0]]), np.array([[4.0, 6.0]])) == pytest.approx(np.sqrt((9 + 16) / 2))
