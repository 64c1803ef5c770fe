"""95 % bands of what an emulator computes, from the covariances of what it computes with.

Draws of fitted parameters go through the emulator to first order: it runs a little to both sides of each
parameter, and a draw adds up the changes. Data often determine a combination of parameters far better than
each of them. Draws put into the model itself then leave the region in which a covariance describes the fit;
to first order they stay within what the data say of the output. Tables with noise in every entry are drawn
entry by entry, one run of the emulator each.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from cimspice.arrays import Array
from cimspice.errors import ParameterError
from cimspice.fit.card import ModelCard
from cimspice.fit.least_squares import CONFIDENCE
from cimspice.fit.model import unflatten

DRAWS = 199
"""The fifth smallest and the fifth largest of so many draws enclose another one in exactly 95 %."""
_STEP = 0.1
"""Of the derivatives, in standard deviations of a parameter while the others are held."""


@dataclass(frozen=True, eq=False)
class Band:
    """An output of an emulator with what its parts leave open."""

    centre: Array
    """The output, of any shape."""
    deviations: Array
    """Draws minus centre, shape (draws, *shape)."""
    counted: tuple[str, ...]
    """Parts whose uncertainty is in it."""
    not_counted: Mapping[str, str]
    """Part -> why its uncertainty is not."""

    @property
    def interval(self) -> tuple[Array, Array]:
        """Ends of the 95 % intervals, each of the output's shape."""
        ordered = np.sort(self.deviations, axis=0)
        outside = max(round((1 - CONFIDENCE) / 2 * (len(ordered) + 1)), 1)
        return self.centre + ordered[outside - 1], self.centre + ordered[-outside]

    @property
    def half_width(self) -> Array:
        """Half of the intervals' widths, of the output's shape."""
        low, high = self.interval
        return (high - low) / 2

    def facts(self, unit: str, per_unit: float) -> dict[str, Any]:
        """JSON form: median and largest half-width in ``unit`` (``per_unit`` of which are 1 in SI), and which
        parts are counted."""
        width = per_unit * self.half_width
        return {
            f"median_half_width_{unit}": float(np.median(width)) if width.size else 0.0,
            f"largest_half_width_{unit}": float(width.max(initial=0.0)),
            "counted": list(self.counted),
            "not_counted": dict(self.not_counted),
        }


def parameter_draws(
    emulate: Callable[[Array], Array],
    values: Array,
    covariance: Array,
    degrees_of_freedom: int,
    rng: np.random.Generator,
    count: int = DRAWS,
) -> Array:
    """Deviations of an output for draws of fitted parameters, correlated, of Student's distribution.

    Parameters
    ----------
    emulate
        Output for parameters (n,). Where it refuses some (ParameterError), as beyond a bound, the derivative
        is taken on the other side.
    values, covariance
        Of the fit, shapes (n,), (n, n); a parameter of variance 0 is held.
    degrees_of_freedom
        Of the residuals that the covariance is from.
    count
        How many draws.

    Returns
    -------
    Shape (count, *shape of the output).
    """
    deviation = np.sqrt(np.clip(np.diagonal(covariance), 0.0, None))
    free = np.flatnonzero(deviation > 0)
    correlation = covariance[np.ix_(free, free)] / np.outer(deviation[free], deviation[free])
    alone = 1 / np.sqrt(np.maximum(np.diagonal(np.linalg.pinv(correlation, 1e-13, hermitian=True)), 1.0))
    centre = np.asarray(emulate(values))
    slopes = np.zeros((len(free), *centre.shape))
    for row, (k, share) in enumerate(zip(free.tolist(), alone.tolist(), strict=True)):
        step = np.zeros(len(values))
        step[k] = max(_STEP * share * deviation[k], 1e-7 * abs(values[k]))
        ends = [(0.0, centre)]
        for side in (1.0, -1.0):
            with suppress(ParameterError):
                ends.append((side * step[k], np.asarray(emulate(values + side * step))))
        (start, first), (stop, last) = ends[-2:]
        slopes[row] = (last - first) / (stop - start) * deviation[k]
    size, vectors = np.linalg.eigh(correlation)
    drawn = rng.standard_normal((count, len(free))) @ (vectors * np.sqrt(np.clip(size, 0.0, None))).T
    return np.tensordot(drawn * _student(degrees_of_freedom, rng, count)[:, None], slopes, 1)


def card_draws(
    card: ModelCard, emulate: Callable[[Any], Array], rng: np.random.Generator, count: int = DRAWS
) -> Array:
    """:func:`parameter_draws` of a card's model.

    ParameterError if the card has no covariance of all parameters: :func:`why_not_counted`.
    """
    if reason := why_not_counted(card):
        raise ParameterError(reason, place=f"card of a {card.kind}", remedy="fit the model to more data")
    model, names = card.model(), tuple(card.parameters)
    covariance = np.array(card.covariance, dtype=float)

    def output(values: Array) -> Array:
        return emulate(replace(model, **unflatten(dict(zip(names, values.tolist(), strict=True)))))

    values = np.array([card.parameters[name].value for name in names])
    return parameter_draws(output, values, covariance, card.freedom, rng, count)


def why_not_counted(card: ModelCard) -> str:
    """Why a card gives no draws; empty where it does."""
    if card.covariance is None:
        return "the card has no covariance"
    if any(entry is None for row in card.covariance for entry in row):
        lost = next(name for name, record in card.parameters.items() if not record.identifiable)
        return f"{lost}: {card.parameters[lost].reason}"
    return "" if card.freedom > 0 else "as many parameters as observations"


def table_draws(
    emulate: Callable[..., Array],
    deviations: Sequence[tuple[Array, int]],
    rng: np.random.Generator,
    count: int = DRAWS,
) -> Array:
    """Deviations of an output, (count, *shape), for tables whose entries differ independently.

    Parameters
    ----------
    emulate
        Output for a change of each table.
    deviations
        Of each table, the standard deviations of its entries and the degrees of freedom that these rest on.
    """
    centre = np.asarray(emulate(*(np.zeros_like(deviation) for deviation, _ in deviations)))
    sizes = [_student(freedom, rng, count) for _, freedom in deviations]
    result = np.empty((count, *centre.shape))
    for row, factors in enumerate(zip(*sizes, strict=True)):
        changes = [
            factor * deviation * rng.standard_normal(deviation.shape)
            for factor, (deviation, _) in zip(factors, deviations, strict=True)
        ]
        result[row] = emulate(*changes) - centre
    return result


def _student(degrees_of_freedom: int, rng: np.random.Generator, count: int) -> Array:
    """What normal draws are multiplied with to be Student's, (count,)."""
    return np.sqrt(degrees_of_freedom / rng.chisquare(degrees_of_freedom, count))
