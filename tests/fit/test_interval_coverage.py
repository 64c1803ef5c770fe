"""95 % intervals of outputs hold the truth of synthetic tables: the benchmark's own, fewer of them."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "intervals.py"


@pytest.fixture(scope="module")
def benchmark():
    spec = importlib.util.spec_from_file_location("intervals", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["intervals"] = module  # where its workers would look for it
    spec.loader.exec_module(module)
    yield module
    del sys.modules["intervals"]


@pytest.mark.parametrize(
    ("name", "tables"), [("spike_time", 4), ("spike_time_of_laws", 40), ("discharge", 8), ("current", 40)]
)
def test_intervals_hold_the_truth_as_often_as_they_say(benchmark, name, tables):
    found = benchmark.coverage(name, tables, seed=3)
    # as few as this by chance once in 10,000 times
    assert round(found["coverage"] * tables) >= stats.binom.ppf(1e-4, tables, 0.95)


def test_a_noisy_column_is_fitted_as_well_as_its_truth(benchmark, monkeypatch):
    """Not left in a local minimum of 18 mV of lift per row."""
    noise = 5e-4
    monkeypatch.setattr(benchmark, "READ_NOISE", (noise, noise))
    truth, fit = benchmark.fitted_column(np.random.default_rng([0, 2, 82]))
    squares = benchmark.trained(truth).size * (fit.residual_rms / noise) ** 2
    assert squares < stats.chi2.ppf(1 - 1e-4, fit.freedom)
