"""What a figure of a table shows: panels of quantities by unit, log axes, limits; for files and for pages."""

from collections.abc import Collection, Iterable, Mapping, Sequence

import numpy as np
import pandas as pd

from cimspice.campaign.limits import Limit
from cimspice.report.quantity import quantity, words

QUANTITY = "_quantity"  # column that distinguishes several quantities of one unit
_VALUE = "_value"  # column that then holds them all
_NEVER_LOG = ("dB", "°", "deg", "rad")
_DECADES = 12  # of a log axis: below lies what is zero but for rounding
_REACH = 0.5  # of an axis' length: a limit farther from what is drawn is named, not drawn


def panels_of(columns: Sequence[str], units: Mapping[str, str]) -> list[list[str]]:
    """The quantities by unit, in the order of their first."""
    found: dict[str, list[str]] = {}
    for column in columns:
        found.setdefault(units.get(column, ""), []).append(column)
    return list(found.values())


def stacked(
    table: pd.DataFrame, columns: Sequence[str], by: Sequence[str]
) -> tuple[pd.DataFrame, str, list[str]]:
    """Several quantities below each other in one column, its name, and what then distinguishes lines."""
    if len(columns) == 1:
        return table, columns[0], list(by)
    rest = table.drop(columns=list(columns))
    parts = [rest.assign(**{_VALUE: table[column], QUANTITY: words(column)}) for column in columns]
    whole = pd.concat(parts, ignore_index=True)
    whole.attrs = table.attrs
    return whole, _VALUE, [*by, QUANTITY]


def common_words(columns: Sequence[str]) -> str:
    """``noise margin`` of read and hold noise margin; what has no such end, one beside the other."""
    common: list[str] = []
    for last in zip(*(reversed(words(column).split()) for column in columns), strict=False):
        if len(set(last)) > 1:
            break
        common.insert(0, last[0])
    return " ".join(common) or ", ".join(map(words, columns))


def spans(values: Iterable[float], ratio: float) -> bool:
    """Whether the values are all positive, the largest more than ``ratio`` times the smallest: what a log
    axis shows best.
    """
    array = np.asarray(values, dtype=float)
    array = array[np.isfinite(array)]
    return bool(array.size and array.min() > 0 and array.max() > ratio * array.min())


def is_log(asked: Collection[str], axis: str, unit: str, values: Iterable[float]) -> bool:
    """Whether axis ``"x"`` or ``"y"`` is logarithmic.

    Where that was asked for, and for an abscissa in Hz over more than a decade; never for decibels and
    angles.
    """
    return unit not in _NEVER_LOG and (axis in asked or (axis == "x" and unit == "Hz" and spans(values, 10)))


def log_ends(values: Iterable[float]) -> tuple[float, float]:
    """Ends of a log axis for these values: a few currents of 1e-20 A must not press all curves together."""
    array = np.asarray(values, dtype=float)
    array = array[np.isfinite(array) & (array > 0)]
    largest = float(array.max())
    low = max(float(array.min()), float(np.percentile(array, 4)) / 10, largest * 10.0**-_DECADES)
    return low / 1.5, largest * 1.5


def limit_ends(
    limits: Sequence[Limit], columns: Sequence[str], unit: str, low: float, high: float, *, log: bool
) -> list[tuple[float, str, int]]:
    """The ends of the limits on some columns: value, its words (``max 20 µA``), and where it is.

    That is 0 near what is drawn from ``low`` to ``high``, 1 far above and -1 far below, where a line for it
    would press the curves together.
    """
    found = []
    for limit in limits:
        if limit.column not in columns:
            continue
        what = f"{words(limit.column)} " if len(columns) > 1 else ""
        for kind, value in (("min", limit.minimum), ("max", limit.maximum)):
            if value is None:
                continue
            with np.errstate(divide="ignore", invalid="ignore"):
                at, bottom, top = np.log10([value, low, high]) if log else (value, low, high)
            reach = _REACH * (top - bottom)
            where = 1 if at > top + reach else 0 if at >= bottom - reach else -1
            found.append((value, f"{what}{kind} {quantity(value, unit)}", where))
    return found
