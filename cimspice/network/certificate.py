"""What runs of a few inputs, or chips, prove about all of them; every bound holds at the stated confidence.

Decisions are counted in a finite population, the inputs of a data set, of which a part was drawn at random
without replacement and run through the circuit. The number of flips among those that ran is hypergeometric,
so the bounds are exact: no approximation for large numbers, which fails where flips are rare, enters.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from scipy.stats import hypergeom

from cimspice.arrays import checked_array, checked_count, checked_number
from cimspice.errors import ParameterError

Kind = Literal["decision_flips", "whole_inputs", "sampled_tiles", "chips"]
LEAST_CHIPS = 29
"""Of which the worst bounds nine tenths of all, at 95 %."""
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Certificate:
    """A one-sided bound.

    Attributes
    ----------
    kind
        What was run: inputs whose decisions are compared (``decision_flips``) or whose outputs are
        (``whole_inputs``), reads of tiles (``sampled_tiles``), or chips.
    bound
        With ``confidence`` the true value is at most this (chips: at least, where ``lower``).
    confidence
        Share of repetitions in which such a bound holds.
    runs
        How many inputs, reads or chips went through the circuit.
    estimate
        The value found in those that ran.
    population
        How many inputs the bound is about; None for chips, of which there is no end.
    lower
        Whether the bound is a lower one.
    sentence
        The same in words.
    """

    kind: Kind
    bound: float
    confidence: float
    runs: int
    estimate: float
    population: int | None
    sentence: str
    lower: bool = False

    def facts(self) -> dict[str, Any]:
        """What ``--json`` prints."""
        return asdict(self)


def flip_bound(flips: int, runs: int, population: int, confidence: float = 0.95) -> Certificate:
    """Upper bound on the share of inputs that circuit and emulator decide differently.

    Parameters
    ----------
    flips, runs
        Different decisions among the inputs that ran, drawn at random from ``population`` without
        replacement.
    population
        All inputs the bound is about.
    """
    _checked_draw("flips", flips, runs, population)
    most = _most(flips, runs, population, _tail(confidence))
    return Certificate(
        "decision_flips",
        most / population,
        confidence,
        runs,
        flips / runs if runs else 0.0,
        population,
        f"With {100 * confidence:g} % confidence circuit and emulator decide at most {most} of "
        f"{population} inputs ({100 * most / population:.3g} %) differently: {runs} drawn at random ran "
        f"through the circuit, {flips} differ.",
    )


def runs_needed(population: int, bound: float, confidence: float = 0.95, flips: int = 0) -> int:
    """The fewest inputs to draw so that ``flips`` different decisions among them give this bound.

    Raises
    ------
    ParameterError
        If the bound is below the flips expected.
    """
    checked_count("population", population)
    checked_number("bound", bound, low=0, below=1)
    checked_count("flips", flips, low=0, high=population)
    allowed = int(bound * population + _ROUNDING)
    if flips > allowed:
        raise ParameterError(
            f"{flips} flips of {population} inputs are more than {bound:g} of them",
            place="flips",
            remedy="ask for a larger bound",
        )
    tail = _tail(confidence)

    def refused(runs: int) -> bool:
        """Whether ``allowed + 1`` flips are too many to find so few."""
        return float(hypergeom.cdf(flips, population, allowed + 1, runs)) <= tail

    return bisect_left(range(population + 1), True, key=refused)


@dataclass(frozen=True)
class Stratum:
    """Inputs of one kind: how many there are, how many of them ran, and in how many of those the circuit
    differs in being right."""

    population: int
    runs: int
    changed: int


@dataclass(frozen=True)
class AccuracyInterval:
    """Two-sided interval of the circuit's accuracy over all inputs."""

    low: float
    high: float
    confidence: float
    runs: int
    population: int

    def facts(self) -> dict[str, Any]:
        """What ``--json`` prints."""
        return asdict(self)


def accuracy_interval(right: Stratum, wrong: Stratum, confidence: float = 0.95) -> AccuracyInterval:
    """Exact interval of the circuit's accuracy, paired with the emulator's, which is known for every input.

    The circuit's accuracy is the emulator's, less what it loses of those that the emulator has right
    (``right.changed`` of those that ran), plus what it gains of those that the emulator has wrong. Both
    counts are hypergeometric and independent given how many of each ran. A stratum that ran whole leaves
    nothing open, so the narrowest interval of a given number of runs is that of `paired_draw`, in which all
    that the emulator has wrong run: they are few.
    """
    tail = _tail(confidence) / 2
    for stratum in (right, wrong):
        _checked_draw("changed", stratum.changed, stratum.runs, stratum.population)
    part = tail / max(1, sum(stratum.runs < stratum.population for stratum in (right, wrong)))
    lost, gained = (
        [ends(one.changed, one.runs, one.population, part) for ends in (_least, _most)]
        for one in (right, wrong)
    )
    population = right.population + wrong.population
    if not population:
        raise ParameterError("an accuracy of no inputs", place="population", remedy="give at least one input")
    return AccuracyInterval(
        (right.population - lost[1] + gained[0]) / population,
        (right.population - lost[0] + gained[1]) / population,
        confidence,
        right.runs + wrong.runs,
        population,
    )


def paired_draw(right: np.ndarray, runs: int, rng: np.random.Generator) -> np.ndarray:
    """Indices (runs,) of the inputs to run for `accuracy_interval`: all that the emulator has wrong, others
    at random; all at random where more than half of the runs would be wrong ones.

    Parameters
    ----------
    right
        Whether the emulator is right (inputs,).
    """
    right = np.asarray(right, dtype=bool)
    checked_count("runs", runs, high=len(right))
    order = rng.permutation(len(right))
    if 2 * np.count_nonzero(~right) <= runs:
        order = order[np.argsort(right[order], kind="stable")]
    return np.sort(order[:runs])


def chips_bound(
    values: Sequence[float] | np.ndarray, share: float = 0.9, confidence: float = 0.95
) -> Certificate:
    """Lower tolerance limit: what at least ``share`` of all chips reach, whatever their distribution.

    It is the largest of the chips' order statistics that will do (S. S. Wilks, Ann. Math. Statist. 12 (1941)
    91); values are such that more is better, as an accuracy is.

    Raises
    ------
    ParameterError
        For too few chips: even the worst of them proves nothing then.
    """
    from scipy.stats import binom

    given = np.sort(checked_array("values", values, ("chips",)))
    checked_number("share", share, above=0, below=1)
    tail = _tail(confidence)
    # the k-th smallest (from 0) is too high where at most k of all drawn are below the quantile
    passes = binom.cdf(np.arange(len(given)), len(given), 1 - share) <= tail
    if not passes.any():
        needed = int(np.ceil(np.log(tail) / np.log(share)))
        raise ParameterError(
            f"{len(given)} chips prove nothing about {100 * share:g} % of all chips at "
            f"{100 * confidence:g} % confidence",
            place="chips",
            remedy=f"draw at least {needed}",
        )
    bound = float(given[np.flatnonzero(passes)[-1]])
    return Certificate(
        "chips",
        bound,
        confidence,
        len(given),
        float(np.quantile(given, 1 - share)),
        None,
        f"With {100 * confidence:g} % confidence at least {100 * share:g} % of all chips reach {bound:.4g}: "
        f"{len(given)} were drawn.",
        lower=True,
    )


def _most(found: int, runs: int, population: int, tail: float) -> int:
    """The most there can be in the population for ``found`` or fewer of ``runs`` to have this probability."""
    counts = range(found, population - (runs - found) + 1)
    refused = bisect_left(
        counts, True, key=lambda count: float(hypergeom.cdf(found, population, count, runs)) <= tail
    )
    return counts[refused - 1]


def _least(found: int, runs: int, population: int, tail: float) -> int:
    """The fewest there can be: what is not among them is then the most."""
    return population - _most(runs - found, runs, population, tail)


def _tail(confidence: float) -> float:
    return 1 - checked_number("confidence", confidence, above=0, below=1)


def _checked_draw(name: str, found: int, runs: int, population: int) -> None:
    checked_count("population", population, low=0)
    checked_count("runs", runs, low=0, high=population)
    checked_count(name, found, low=0, high=runs)
