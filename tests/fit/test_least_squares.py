"""The fit driver against scipy's curve_fit, against known truth, and on data that cannot support the fit."""

import numpy as np
import pytest
from scipy.optimize import curve_fit

from cimspice.errors import FitError
from cimspice.fit.least_squares import join, solve, solve_linear

X = np.linspace(0, 4, 40)


def decay(p, x=X):
    return p[0] * np.exp(-p[1] * x) + p[2]


def decay_jacobian(p, x=X):
    return np.column_stack([np.exp(-p[1] * x), -p[0] * x * np.exp(-p[1] * x), np.ones_like(x)])


def fit_decay(y, analytic=True, scale=1.0, start=(1.0, 1.0, 0.1)):
    return solve(
        lambda p: decay(p) - y,
        np.array(start),
        names=("a", "b", "c"),
        scale=scale,
        jacobian=decay_jacobian if analytic else None,
    )


@pytest.mark.parametrize("analytic", [True, False])
def test_values_and_covariance_equal_those_of_curve_fit(analytic):
    y = decay([2.0, 0.7, 0.3]) + np.random.default_rng(1).normal(0, 0.02, X.size)
    mine = fit_decay(y, analytic)
    values, covariance = curve_fit(
        lambda x, a, b, c: decay([a, b, c], x), X, y, p0=[1, 1, 0.1], xtol=1e-14, ftol=1e-14, gtol=1e-14
    )
    np.testing.assert_allclose(mine.values, values, rtol=1e-6)
    np.testing.assert_allclose(mine.covariance, covariance, rtol=1e-4)
    assert mine.reasons == ("", "", "")


def test_intervals_cover_the_truth_at_95_percent():
    generator = np.random.default_rng(2)
    truth = np.array([2.0, 0.7, 0.3])
    inside = np.zeros(3)
    trials = 600
    for _ in range(trials):
        solution = fit_decay(decay(truth) + generator.normal(0, 0.02, X.size))
        inside += np.abs(solution.values - truth) <= solution.half_widths
    # Binomial standard deviation 0.009: four of them
    np.testing.assert_allclose(inside / trials, 0.95, atol=0.036)


def test_tiny_units_change_nothing_but_the_unit():
    y = decay([2.0, 0.7, 0.3]) + np.random.default_rng(3).normal(0, 0.02, X.size)
    large = fit_decay(y)
    unit = 1e-15
    small = solve(
        lambda p: decay(p) - y * unit,
        np.array([1.0, 1.0, 0.1]) * [unit, 1, unit],
        names=("a", "b", "c"),
        scale=unit,
        jacobian=decay_jacobian,
    )
    np.testing.assert_allclose(small.values, large.values * [unit, 1, unit], rtol=1e-9)
    np.testing.assert_allclose(small.half_widths, large.half_widths * [unit, 1, unit], rtol=1e-6)


@pytest.mark.parametrize("analytic", [True, False])
def test_a_combination_alone_is_reported_as_not_identifiable(analytic):
    x = np.linspace(0, 1, 20)
    y = 6 * x + np.random.default_rng(4).normal(0, 0.01, x.size)
    solution = solve(
        lambda p: p[0] * p[1] * x - y,
        np.array([1.0, 1.0]),
        names=("gain", "weight"),
        scale=1.0,
        jacobian=(lambda p: np.column_stack([p[1] * x, p[0] * x])) if analytic else None,
    )
    assert "combination" in solution.reasons[0]
    assert "weight" in solution.reasons[0]
    assert "combination" in solution.reasons[1]
    assert np.isinf(solution.half_widths).all()
    assert solution.values[0] * solution.values[1] == pytest.approx(6, rel=0.01)


def test_a_parameter_without_influence_is_named_and_the_others_stay_determined():
    design = np.column_stack([np.ones(10), np.zeros(10)])
    solution = solve_linear(design, np.linspace(0.9, 1.1, 10), names=("mean", "idle"))
    assert solution.reasons == ("", "the data do not depend on it")
    assert solution.values[0] == pytest.approx(1.0)
    assert np.isfinite(solution.half_widths[0])


def test_an_interval_wider_than_the_value_is_not_identifiable_unless_the_resolution_allows_it():
    noise = np.random.default_rng(5).normal(0, 0.1, X.size)
    design = np.column_stack([np.ones_like(X), X])
    strict = solve_linear(design, 1 + noise, names=("level", "slope"))
    tolerant = solve_linear(design, 1 + noise, names=("level", "slope"), resolution={"slope": 0.1})
    assert strict.reasons[0] == ""
    assert "wider than the value" in strict.reasons[1]
    assert tolerant.reasons == ("", "")


def test_as_many_parameters_as_observations_leaves_no_interval():
    solution = solve_linear(np.eye(2), np.array([1.0, 2.0]), names=("a", "b"))
    assert all("as many parameters" in reason for reason in solution.reasons)
    assert np.isinf(solution.half_widths).all()


def test_fewer_observations_than_parameters_is_refused():
    with pytest.raises(FitError, match="2 observations cannot determine 3"):
        solve_linear(np.ones((2, 3)), np.ones(2), names=("a", "b", "c"))


def test_data_that_are_all_zero_are_refused():
    with pytest.raises(FitError, match="no usable size"):
        solve_linear(np.ones((5, 1)), np.zeros(5), names=("a",))


def test_a_model_that_is_not_finite_at_the_start_is_refused():
    with pytest.raises(FitError, match="not finite at the start"):
        solve(lambda p: X + np.inf * p[0], np.array([1.0]), names=("a",), scale=1.0)


def test_a_parameter_at_its_bound_is_reported():
    solution = solve(
        lambda p: p[0] + p[1] * X - (1 + 2 * X),
        np.array([0.5, 0.5]),
        names=("level", "slope"),
        scale=1.0,
        jacobian=lambda p: np.column_stack([np.ones_like(X), X]),
        bounds=(np.array([-5.0, 0.0]), np.array([5.0, 1.5])),
    )
    assert "bound" in solution.reasons[1]
    assert solution.values[1] == pytest.approx(1.5)


def test_the_best_of_several_starts_wins():
    y = np.sin(3 * X)
    solution = solve(
        lambda p: np.sin(p[0] * X) - y,
        [np.array([9.0]), np.array([2.9])],
        names=("frequency",),
        scale=1.0,
        jacobian=lambda p: (X * np.cos(p[0] * X))[:, None],
    )
    assert solution.values[0] == pytest.approx(3.0, rel=1e-9)


def test_joined_solutions_are_independent():
    one = solve_linear(np.ones((5, 1)), np.arange(1.0, 6), names=("a",))
    other = solve_linear(np.ones((6, 1)), np.arange(2.0, 8), names=("b",))
    both = join(one, other)
    assert both.names == ("a", "b")
    assert both.covariance[0, 1] == 0
    assert both.covariance[1, 1] == other.covariance[0, 0]
    assert both.residuals.size == 6
