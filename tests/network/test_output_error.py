"""Bounds on the output error from whole inputs and from reads of tiles, where the truth is known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from cimspice.errors import ParameterError
from cimspice.network.output_error import draw_samples, draw_tiles, tiles_bound, whole_inputs_bound


def bounds(errors: np.ndarray, control: np.ndarray, draws: int = 60, runs: int = 50) -> np.ndarray:
    """Bounds of many draws over the true rms."""
    found = []
    for seed in range(draws):
        drawn = np.random.default_rng(seed).permutation(len(errors))[:runs]
        found.append(whole_inputs_bound(errors[drawn], drawn, control, 1.0, seed=seed).bound)
    return np.array(found) / np.sqrt(errors.mean())


def test_whole_inputs_hold_the_truth_and_a_control_that_goes_along_makes_the_bound_tight():
    rng = np.random.default_rng(0)
    control = rng.gamma(2.0, size=600)
    errors = 1e-4 * control * rng.uniform(0.9, 1.1, 600)
    with_it, without = bounds(errors, control), bounds(errors, np.ones(600))
    assert np.mean(with_it >= 1) >= 0.88  # 95 % asked, 60 draws
    assert np.mean(without >= 1) >= 0.88
    assert with_it.mean() <= 1.02 < 1.05 <= without.mean()


def test_a_control_that_has_nothing_to_do_with_the_error_does_little_harm():
    rng = np.random.default_rng(1)
    errors, foreign = rng.gamma(4.0, size=600), rng.gamma(1.0, size=(600, 3))
    assert bounds(errors, foreign).mean() <= 1.03 * bounds(errors, np.ones(600)).mean()


def test_all_inputs_run_give_the_truth_itself():
    errors = np.random.default_rng(0).gamma(1.0, size=20)
    found = whole_inputs_bound(errors, np.arange(20), np.ones(20), 4.0)
    assert found.bound == pytest.approx(np.sqrt(errors.mean() / 4.0))
    assert (found.kind, found.runs, found.population) == ("whole_inputs", 20, 20)


@pytest.mark.parametrize(
    ("drawn", "named"), [(np.arange(49), "49 of 100"), (np.zeros(50, int), "50 runs of 1")]
)
def test_draws_that_bound_nothing_are_refused(drawn, named):
    with pytest.raises(ParameterError, match=named):
        whole_inputs_bound(np.ones(len(drawn)), drawn, np.ones(100), 1.0)


@dataclass(frozen=True, eq=False)
class OneLayer:
    """Tiles of one layer below one another: the output is the sum of all of them."""

    x: np.ndarray  # (tiles, inputs, rows)
    weights: np.ndarray  # (tiles, rows, outputs)

    def signal(self) -> np.ndarray:
        return np.linalg.norm(np.einsum("tir,tro->tio", self.x, self.weights), axis=2)

    def inputs(self, tile: int) -> np.ndarray:
        return self.x[tile]

    def control(self, tile: int) -> np.ndarray:
        return self.x[tile] @ self.weights[tile]

    def at_output(self, tile: int, places: np.ndarray, errors: np.ndarray) -> np.ndarray:
        return errors


@pytest.mark.parametrize("kind", ["coherent", "independent"])
def test_reads_of_tiles_hold_the_truth_whether_their_errors_add_up_or_not(kind):
    rng = np.random.default_rng(2)
    x, weights = rng.uniform(0, 1, (60, 200, 8)), rng.normal(size=(60, 8, 4))
    wrong = 0.02 * weights if kind == "coherent" else 0.02 * rng.normal(size=weights.shape)
    error = np.einsum("tir,tro->tio", x, wrong)
    truth = np.sqrt(np.sum(error.sum(axis=0) ** 2, axis=1).mean())
    control = np.sum(np.einsum("tir,tro->io", x, weights) ** 2, axis=1)
    found = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        samples = draw_samples(200, 600, rng)
        layer = OneLayer(x[:, samples], weights)
        draw = draw_tiles(layer.signal(), samples, 600, rng)
        errors = np.array(
            [[error[t, i] for t in row] for i, row in zip(draw.samples, draw.tiles, strict=True)]
        )
        certificate = tiles_bound(draw, errors, layer, control, 1.0, seed=seed)
        assert certificate.kind == "sampled_tiles"
        found.append(certificate.bound / truth)
    assert np.mean(np.array(found) >= 1 - 1e-9) >= 0.88  # 95 % asked, 40 draws
    assert np.mean(found) <= (1.001 if kind == "coherent" else 1.35)


def test_reads_that_cost_more_are_drawn_less_often_and_the_estimate_keeps_its_mean():
    rng = np.random.default_rng(3)
    samples, signal = np.arange(20), rng.uniform(0.5, 1.5, (16, 20))
    cost = np.where(np.arange(16)[:, None] < 4, 100.0, 1.0)
    plain, dear = (draw_tiles(signal, samples, 40000, rng, one) for one in (1.0, cost))
    shares = [np.mean(draw.tiles < 4) for draw in (plain, dear)]
    assert shares[1] < 0.3 * shares[0]
    truth = signal.sum(axis=0)
    found = np.mean(signal[dear.tiles, samples[:, None]] / dear.probability, axis=1)
    np.testing.assert_allclose(found, truth, rtol=0.1)


def test_reads_by_default_are_as_many_as_cost_what_is_given_and_ten_of_each_input_at_least():
    rng = np.random.default_rng(3)
    samples, signal = draw_samples(200, None, rng), rng.uniform(0.5, 1.5, (500, 12))
    cost = rng.uniform(0.5, 20.0, signal.shape)
    draw = draw_tiles(signal, samples, None, rng, cost, 3000.0)
    assert draw.tiles.shape[0] == 12
    assert np.take_along_axis(cost.T, draw.tiles, axis=1).sum() == pytest.approx(3000.0, rel=0.1)
    assert draw_tiles(signal, samples, None, rng, cost, 1.0).tiles.shape == (12, 10)
    with pytest.raises(ParameterError, match="reads for 11 of 200 inputs"):
        draw_samples(200, None, rng, 11)


def test_too_few_reads_are_refused():
    with pytest.raises(ParameterError, match="100 reads"):
        draw_samples(50, 100, np.random.default_rng(0))
