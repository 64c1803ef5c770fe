"""Shares of a mean square error, against Shapley values by their definition."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cimspice.errors import ParameterError
from cimspice.network.budget import REST, shapley


def coherent(vectors: dict[str, np.ndarray]):
    """Mean square of the sum of error vectors: effects that add up, cancel or hide one another."""

    def squares(on: frozenset[str]) -> float:
        return float(np.mean(sum((vectors[name] for name in on), np.zeros(6)) ** 2))

    return squares


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 5), st.integers(0, 2**32 - 1))
def test_shares_are_the_mean_over_all_orders_and_add_up_to_one(count, seed):
    rng = np.random.default_rng(seed)
    names = [f"effect {number}" for number in range(count)]
    squares = coherent({name: rng.normal(size=6) for name in names})
    budget = shapley(squares, names)
    for name in names:
        steps = []
        for order in permutations(names):
            before = frozenset(order[: order.index(name)])
            steps.append(squares(before | {name}) - squares(before))
        assert budget.shares[name] == pytest.approx(np.mean(steps) / squares(frozenset(names)), abs=1e-9)
    assert sum(budget.shares.values()) == pytest.approx(1.0)
    assert budget.sampling_error is None
    assert budget.evaluations == 2**count


def test_orthogonal_errors_have_the_shares_of_their_own_squares():
    vectors = {"wires": np.array([3.0, 0, 0, 0, 0, 0]), "levels": np.array([0, 1.0, 0, 0, 0, 0])}
    assert shapley(coherent(vectors), ["wires", "levels"]).shares == pytest.approx(
        {"wires": 0.9, "levels": 0.1}
    )


def test_what_is_left_with_all_effects_off_is_the_rest():
    budget = shapley(lambda on: 4.0 if on else 1.0, ["clipping"])
    assert budget.shares == {"clipping": 0.75, REST: 0.25}


def test_each_layer_has_its_own_shares():
    budget = shapley(
        lambda on: np.array([1.0 * ("a" in on), 3.0 * ("a" in on) + 1.0 * ("b" in on)]), ["a", "b"]
    )
    assert budget.shares["a"].tolist() == [1.0, 0.75]
    assert budget.shares["b"].tolist() == [0.0, 0.25]


def test_drawn_orders_add_up_to_one_and_state_their_error():
    rng = np.random.default_rng(0)
    names = [f"effect {number}" for number in range(10)]
    squares = coherent({name: rng.normal(size=6) for name in names})
    # the mean square of a sum splits into each vector's product with the whole
    exact, drawn = shapley(squares, names[:8]), shapley(squares, names[:8], orders=200)
    assert drawn.sampling_error is not None
    for name in names[:8]:
        off = abs(drawn.shares[name] - exact.shares[name])
        assert off <= 4 * drawn.sampling_error[name] + 1e-12
    many = shapley(squares, names)
    assert sum(many.shares.values()) == pytest.approx(1.0)
    assert many.sampling_error is not None
    assert many.evaluations < 2**10


def test_no_error_has_no_shares():
    assert shapley(lambda on: 0.0, ["wires"]).shares == {"wires": 0.0}


def test_effects_named_twice_are_refused():
    with pytest.raises(ParameterError, match="name each once"):
        shapley(lambda on: 0.0, ["wires", "wires"])


def test_effects_that_cancel_are_said_with_how_much_larger_the_error_is_without_one():
    """Errors of 3 and −2 on all outputs: 1 with both, 9 with one of them off."""
    vectors = {"wires": np.full(6, 3.0), "clipping": np.full(6, -2.0)}
    budget = shapley(coherent(vectors), list(vectors))
    assert budget.shares["wires"] == pytest.approx((9 + (1 - 4)) / 2)
    assert budget.note is not None
    assert "up to 9 times" in budget.note
    assert "(clipping)" in budget.note
    alone = {"wires": np.array([3.0, 0, 0, 0, 0, 0]), "clipping": np.array([0, 2.0, 0, 0, 0, 0])}
    assert shapley(coherent(alone), list(alone)).note is None
