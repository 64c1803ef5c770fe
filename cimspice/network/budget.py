"""Which effect makes how much of a mean square error, whatever order they are switched in.

An effect's share is its Shapley value (L. S. Shapley, in Contributions to the Theory of Games II, 1953, 307):
what switching it on adds to the mean square error, averaged over all orders in which the effects can be
switched on. Shares add up to the whole. *Not to be confused with* a ladder, one order among them, in which an
effect's step depends on its place, and with an ablation, which asks of each what goes if it alone goes.
Only mean squares are split: an accuracy is not (a decision flips for several effects or for none).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import factorial
from typing import Any

import numpy as np

from cimspice.arrays import checked_count
from cimspice.errors import ParameterError

REST = "rest"
"""Share of what is left with every effect off."""
MOST_EXACT = 8
"""With more effects than this, orders are drawn: all subsets of 9 are 512."""

_ROUNDING = 1e-20
"""A smaller rest, relative to the whole, is that of floating-point sums."""

_SMALL = 0.01
"""Shares that are so far outside 0 to 1 are not remarked on."""

Squares = Callable[[frozenset[str]], float | np.ndarray]
"""The effects that are on to a mean square error, or to several (such as one for each layer)."""


@dataclass(frozen=True, eq=False)
class Budget:
    """A mean square error by effect.

    Attributes
    ----------
    total
        Mean square with all effects on, (...) as `Squares` gives it.
    shares
        Effect to its share of ``total`` (...): they add up to 1, and one may be negative where an effect
        hides another. `REST` among them if something is left with all off. All 0 where ``total`` is 0.
    sampling_error
        Effect to the standard error of its share; None where every subset was evaluated.
    evaluations
        How many subsets of effects were evaluated.
    largest
        Mean square of the subset that has most, over ``total`` (...): 1 where no effect hides another.
    """

    total: np.ndarray
    shares: dict[str, np.ndarray]
    sampling_error: dict[str, np.ndarray] | None
    evaluations: int
    largest: np.ndarray

    @property
    def note(self) -> str | None:
        """That effects cancel one another, where a share of the first mean square lies outside 0 to 1."""
        shares = {name: float(np.ravel(share)[0]) for name, share in self.shares.items()}
        if not shares or (min(shares.values()) >= -_SMALL and max(shares.values()) <= 1 + _SMALL):
            return None
        hides = ", ".join(name for name, share in shares.items() if share < -_SMALL)
        return (
            f"Effects cancel one another: with some of them off the mean square error is up to "
            f"{float(np.ravel(self.largest)[0]):.3g} times that with all on"
            + (f". A share below 0 is of an effect that takes error away ({hides})." if hides else ".")
        )

    def facts(self) -> dict[str, Any]:
        """What ``--json`` prints under ``budget``: the shares alone."""
        return {name: share.tolist() for name, share in self.shares.items()}


def shapley(squares: Squares, effects: Sequence[str], *, orders: int | None = None, seed: int = 0) -> Budget:
    """Shares of the effects.

    Parameters
    ----------
    squares
        Evaluated once for a subset.
    effects
        Names, each once.
    orders
        Draw so many orders and the reverse of each, rather than evaluate all subsets; by default 32 for more
        than `MOST_EXACT` effects. An order and its reverse err in opposite directions (R. Mitchell,
        J. Cooper, E. Frank, G. Holmes, J. Machine Learning Research 23 (2022) 43).
    """
    if len(set(effects)) != len(effects) or REST in effects:
        raise ParameterError(
            f"effects {', '.join(effects)}", place="effects", remedy=f"name each once, and none {REST!r}"
        )
    known: dict[frozenset[str], np.ndarray] = {}

    def evaluated(on: frozenset[str]) -> np.ndarray:
        if on not in known:
            known[on] = np.asarray(squares(on), dtype=float)
        return known[on]

    total, rest = evaluated(frozenset(effects)), evaluated(frozenset())
    if orders is None and len(effects) <= MOST_EXACT:
        values, errors = _over_subsets(evaluated, effects), None
    else:
        values, errors = _over_orders(evaluated, effects, checked_count("orders", orders or 32, low=2), seed)
    scale = np.where(total > 0, total, 1.0)
    shares = {name: value / scale for name, value in values.items()}
    if np.any(rest > _ROUNDING * total):
        shares[REST] = rest / scale
    if errors is not None:
        errors = {name: error / scale for name, error in errors.items()}
    largest = np.max(list(known.values()), axis=0) / scale
    return Budget(total, shares, errors, len(known), largest)


def _over_subsets(evaluated: Squares, effects: Sequence[str]) -> dict[str, np.ndarray]:
    count = len(effects)
    values = {name: np.zeros(np.shape(evaluated(frozenset()))) for name in effects}
    for bits in range(2**count):
        on = frozenset(name for place, name in enumerate(effects) if bits >> place & 1)
        for name in set(effects) - on:
            share = factorial(len(on)) * factorial(count - len(on) - 1) / factorial(count)
            values[name] = values[name] + share * (evaluated(on | {name}) - evaluated(on))
    return values


def _over_orders(
    evaluated: Squares, effects: Sequence[str], orders: int, seed: int
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    rng = np.random.default_rng(seed)
    found: dict[str, list[np.ndarray]] = {name: [] for name in effects}
    for _ in range(orders):
        order = [effects[int(place)] for place in rng.permutation(len(effects))]
        steps = [_steps(evaluated, one) for one in (order, order[::-1])]
        for name in effects:
            found[name].append(np.mean([step[name] for step in steps], axis=0))
    return (
        {name: np.mean(each, axis=0) for name, each in found.items()},
        {name: np.std(each, axis=0, ddof=1) / np.sqrt(orders) for name, each in found.items()},
    )


def _steps(evaluated: Squares, order: Sequence[str]) -> dict[str, np.ndarray]:
    """What each effect adds when it is switched on in this order."""
    on = [frozenset(order[:count]) for count in range(len(order) + 1)]
    return {
        name: np.asarray(evaluated(after)) - np.asarray(evaluated(before))
        for name, (before, after) in zip(order, pairwise(on), strict=True)
    }
